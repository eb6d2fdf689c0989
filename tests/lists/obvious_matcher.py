"""The slow, obvious way to read a list and to match it: dictionaries of names as text.

Written from what each format's makers say, and not from the readers of this program; it knows
the usual lines of published lists and passes over all others.
"""

import re
from collections.abc import Callable, Iterator

from publicsuffixlist import PublicSuffixList

_SUFFIXES = PublicSuffixList(only_icann=True)
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
Entry = tuple[str, bool, bool]
"""A name, whether all below it is meant, whether it is an exception."""


class Matcher:
    """Names of a list, by what they do."""

    def __init__(self, entries: Iterator[Entry], *, longest_match: bool = False) -> None:
        self.longest_match = longest_match
        self.alone: set[str] = set()
        self.below: set[str] = set()
        self.open_alone: set[str] = set()
        self.open_below: set[str] = set()
        for name, below, exception in entries:
            if not _NAME.fullmatch(name) or name.rpartition(".")[2].isdigit() or len(name) > 253:
                continue
            if max(map(len, name.split("."))) > 63:
                continue
            if not exception and _SUFFIXES.is_public(name):
                continue
            blocked = (self.alone, self.below)
            opened = (self.open_alone, self.open_below)
            (opened if exception else blocked)[below].add(name)

    def blocks(self, name: str) -> bool:
        parts = name.split(".")
        above = [".".join(parts[start:]) for start in range(len(parts))]
        if self.longest_match:
            if name in self.alone or name in self.open_alone:
                return name not in self.open_alone
            zones = (zone for zone in above[1:] if zone in self.below or zone in self.open_below)
            zone = next(zones, "")
            return zone in self.below and zone not in self.open_below
        if name in self.open_alone or not self.open_below.isdisjoint(above):
            return False
        return name in self.alone or not self.below.isdisjoint(above)

    def names(self) -> list[str]:
        return sorted(self.alone | self.below | self.open_alone | self.open_below)


def matcher(text: str, kind: str) -> Matcher:
    entries = _READERS[kind](line.strip() for line in text.lower().split("\n"))
    return Matcher(entries, longest_match=kind == "rpz")


def _adblock(lines: Iterator[str]) -> Iterator[Entry]:
    text = [line.split(" #")[0] for line in lines]
    cancelled = {line.removesuffix("$badfilter") for line in text if line.endswith("$badfilter")}
    for line in text:
        if line in cancelled:
            continue
        if found := re.fullmatch(r"(@@)?(\|\|?)([^|^$/*]+)\^\|?", line):
            yield found[3].rstrip("."), found[2] == "||", bool(found[1])


def _hosts(lines: Iterator[str]) -> Iterator[Entry]:
    for line in lines:
        words = line.split("#")[0].split()
        if words and words[0] in ("0.0.0.0", "127.0.0.1", "::", "::1"):
            yield from ((name, False, False) for name in words[1:])


def _names(below: bool) -> Callable[[Iterator[str]], Iterator[Entry]]:
    def read(lines: Iterator[str]) -> Iterator[Entry]:
        for line in lines:
            yield line.split("#")[0].strip(), below, False

    return read


def _wildcard(lines: Iterator[str]) -> Iterator[Entry]:
    for line in lines:
        if line.startswith("*."):
            yield line[2:].split("#")[0].strip(), True, False


def _rpz(lines: Iterator[str]) -> Iterator[Entry]:
    """Owners below one ``$ORIGIN`` at most, which is relative."""
    actions: dict[str, str] = {}
    origin = ""
    for line in lines:
        words = line.split(";")[0].split()
        if words[:1] == ["$origin"]:
            origin = "?" if words[1].endswith(".") else "." + words[1]
        elif "cname" in words and not words[0].endswith("rpz-ip") and origin != "?":
            actions.setdefault(words[0] + origin, words[-1])
    for owner, action in actions.items():
        name = owner.removeprefix("*.")
        exception = action == "rpz-passthru."
        if exception or action in (".", "*."):
            yield name, owner != name, exception
        if exception and f"*.{owner}" not in actions:
            yield name, True, True


_READERS: dict[str, Callable[[Iterator[str]], Iterator[Entry]]] = {
    "adblock": _adblock,
    "hosts": _hosts,
    "plain": _names(below=False),
    "suffix": _names(below=True),
    "wildcard": _wildcard,
    "rpz": _rpz,
}
