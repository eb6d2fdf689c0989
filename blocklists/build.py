"""``make lists``: write the block lists from decisions.toml, and name what is undecided.

decisions.toml holds every name that was taken or refused, with the reason, the date and the
sources. The names that machines need for updates are in ``resolver/compiler/updates.toml``, which
protects them, too. The lists are written from both and from sources.lock alone, so on any machine
and always the same. Where the inputs are at hand (``../shared/data``), they are compared with the
decisions.

What must stay true:
- An altered input, or a mistake in the decisions, ends the program before anything is written.
- Every name of an input is taken, below a taken name, or refused.
- The sources of a decision are those whose inputs have the name, and evidence beside them.
"""

import datetime as dt
import ipaddress
import sys
import textwrap
import tomllib
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from blocklists.inputs import DATA, Found, Lock, changed_files, found_names, read_lock
from resolver.dns import names
from resolver.lists.adblock import AdblockReader
from resolver.lists.ranges import ENDINGS, read_ranges
from resolver.lists.rules import Rule, read_rule

HERE = Path(__file__).parent
UPDATES = "resolver/compiler/updates.toml"
_WIDTH = 98
_HEADERS = ("title", "title-fa", "category", "source", "reviewed", "answer")
_REQUIRED = ("title", "title-fa", "category", "reviewed")
_NOTICE = "Written by `make lists` from decisions.toml, which also has what was left out, and why."


class Group(NamedTuple):
    """Names that were decided together."""

    taken: bool
    why: str
    date: dt.date | None
    names: dict[str, tuple[str, ...]]
    """The sources of each name; a name is a rule, a bare name, or a prefix of addresses."""


class DecidedList(NamedTuple):
    """One list: its headers and its decisions."""

    file: str
    """``telegram.txt``; for addresses ``telegram.ip``, or ``line.firewall`` for firewalls alone."""
    headers: dict[str, str]
    about: str
    groups: tuple[Group, ...]
    notice: str = _NOTICE

    @property
    def name(self) -> str:
        """Its name in decisions.toml."""
        return self.file.removesuffix(".txt")

    @property
    def addresses(self) -> bool:
        """Whether it holds prefixes of addresses."""
        return self.file.endswith(ENDINGS)

    @property
    def has_file(self) -> bool:
        """Whether anything was taken; a table that only refuses has no file."""
        return any(group.taken for group in self.groups)

    def rules(self, *, taken: bool) -> list[str]:
        """What was taken, or what was refused, as written into a list."""
        decided = [name for group in self.groups if group.taken == taken for name in group.names]
        return [self.rule(name) for name in decided]

    def rule(self, name: str) -> str:
        """A decided name as it is written into the list."""
        rule = name if self.addresses else read_rule(name, 0)
        return rule.text if isinstance(rule, Rule) else name


def read_decisions(path: Path) -> list[DecidedList]:
    """Read decisions.toml; ``mistakes`` finds what is missing in it."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return [_decided(name, section) for name, section in document.items()]


def update_lists(path: Path) -> list[DecidedList]:
    """A list for each group of updates.toml that has one; none where there is no such file."""
    if not path.is_file():
        return []
    groups = tomllib.loads(path.read_text(encoding="utf-8"))["group"]
    return [_update_list(group) for group in groups if "list" in group]


def _update_list(entry: dict[str, Any]) -> DecidedList:
    headers = {"title": entry["title"], "title-fa": entry["title-fa"]}
    headers["category"] = entry.get("category", "updates")
    headers["reviewed"] = str(entry["reviewed"])
    why = f"Needed for {entry['for']}."
    group = Group(True, why, entry["reviewed"], dict.fromkeys(entry["names"], ("updates",)))
    about = f"No shipped policy blocks these names. They are documented at: {entry['source']}"
    notice = f"Written by `make lists` from {UPDATES}, which also has what was left out."
    return DecidedList(f"{entry['list']}.txt", headers, about, (group,), notice)


def _decided(name: str, section: dict[str, Any]) -> DecidedList:
    kinds = (("take", True), ("refuse", False))
    groups = [_group(taken, group) for kind, taken in kinds for group in section.pop(kind, ())]
    about = str(section.pop("about", ""))
    file = name if name.endswith(ENDINGS) else f"{name}.txt"
    return DecidedList(file, {key: str(section[key]) for key in section}, about, tuple(groups))


def _group(taken: bool, table: dict[str, Any]) -> Group:
    sources = {name: tuple(text.split()) for name, text in table.get("names", {}).items()}
    return Group(taken, table.get("why", ""), table.get("date"), sources)


def mistakes(decided: DecidedList, lock: Lock) -> Iterator[str]:
    """What is wrong with the decisions of one list."""
    at = f"decisions.toml: [{decided.name}]"
    missing = [key for key in _REQUIRED if not decided.headers.get(key)]
    unknown = [key for key in decided.headers if key not in _HEADERS]
    yield from (f"{at}: {key} is missing" for key in missing)
    yield from (f"{at}: {key} is unknown" for key in unknown)
    seen: set[str] = set()
    for group in decided.groups:
        if not group.why.strip() or not isinstance(group.date, dt.date):
            yield f"{at}: a reason or a date is missing beside {next(iter(group.names), 'no name')}"
        for name, sources in group.names.items():
            if reason := _not_decidable(name, addresses=decided.addresses):
                yield f"{at}: {name}: {reason}"
            if decided.rule(name) in seen:
                yield f"{at}: {name} is decided twice"
            if not sources or set(sources) - lock.sources.keys():
                yield f"{at}: {name}: sources are {sources}; sources.lock has {list(lock.sources)}"
            seen.add(decided.rule(name))
    if not (missing or decided.addresses):
        yield from _rule_mistakes(at, decided, lock)


def _not_decidable(name: str, *, addresses: bool) -> str | None:
    if addresses:
        skipped = read_ranges(name, "", "", "").skipped
        return skipped[0].reason if skipped else None
    rule = read_rule(name, 0)
    return rule if isinstance(rule, str) else None


def _rule_mistakes(at: str, decided: DecidedList, lock: Lock) -> Iterator[str]:
    written = AdblockReader.read(render(decided, lock), decided.name, decided.file)
    yield from (f"{at}: {line.text}: {line.reason}" for line in written.skipped)
    for text in decided.rules(taken=False):
        rule = read_rule(text, 0)
        if isinstance(rule, Rule) and (wider := _covering(rule, written.rules)):
            yield f"{at}: {text} is refused, but {wider.text} blocks it"


def _covering(rule: Rule, taken: Iterable[Rule]) -> Rule | None:
    """The rule that blocks a name, unless an exception permits it."""
    zones = set(names.zones(rule.name))
    hits = [
        candidate
        for candidate in taken
        if candidate.name in (zones if candidate.subtree else {rule.name})
    ]
    return hits[0] if hits and not any(hit.exception for hit in hits) else None


def render(decided: DecidedList, lock: Lock) -> str:
    """The text of a list. It depends on nothing but the decisions and the names of the sources."""
    taken = [group for group in decided.groups if group.taken]
    cited = {source for group in taken for sources in group.names.values() for source in sources}
    lines = [_header(key, decided.headers[key]) for key in _REQUIRED[:-1]]
    lines += [_header("source", what) for name, what in lock.sources.items() if name in cited]
    lines += [_header(key, decided.headers[key]) for key in _HEADERS[4:] if key in decided.headers]
    lines += [
        "",
        *_comment(decided.notice),
        *(line for part in _paragraphs(decided) for line in part),
    ]
    for group in taken:
        lines += ["", *_comment(group.why)]
        by_sources = itemgetter(1)
        for sources, pairs in groupby(sorted(group.names.items(), key=by_sources), by_sources):
            lines.append(f"! From: {', '.join(sources)}")
            lines += [decided.rule(name) for name, _ in pairs]
    return "\n".join(lines) + "\n"


def _header(key: str, value: str) -> str:
    return f"! {key.capitalize()}: {value}"


def _paragraphs(decided: DecidedList) -> Iterator[list[str]]:
    for paragraph in filter(None, decided.about.split("\n\n")):
        yield ["!", *_comment(paragraph)]


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="! ", subsequent_indent="! ")


def undecided(entries: Iterable[Found], lists: dict[str, DecidedList], lock: Lock) -> list[str]:
    """Names of the inputs that no decision covers, and decisions that misstate their sources."""
    decided = {name: _Decisions(block_list) for name, block_list in lists.items()}
    missing: dict[tuple[str, str], set[str]] = {}
    having: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        places = [name for name in entry.lists if entry.name in decided[name].sources]
        for place in places:
            having.setdefault((place, entry.name), set()).update(entry.sources)
        if not places and not any(decided[name].covers(entry.name) for name in entry.lists):
            missing.setdefault((entry.lists[0], entry.name), set()).update(entry.sources)
    lines = [
        f"undecided: {name} ({place}; {', '.join(sorted(sources)) or 'a table'}): take it or "
        "refuse it in blocklists/decisions.toml"
        for (place, name), sources in missing.items()
    ]
    for place, decisions in decided.items():
        for name, sources in decisions.sources.items():
            cited, real = set(sources) & lock.inputs, having.get((place, name), set())
            if cited != real:
                lines.append(
                    f"decisions.toml: [{place}]: {name}: cites {_said(cited)}; the inputs that "
                    f"have it are {_said(real)}"
                )
    return lines


def _said(sources: set[str]) -> str:
    return ", ".join(sorted(sources)) or "none"


class _Decisions:
    """The decisions of a list, by bare name."""

    def __init__(self, decided: DecidedList) -> None:
        pairs = [pair for group in decided.groups for pair in group.names.items()]
        self.sources = {name.lstrip("@|").rstrip("^"): sources for name, sources in pairs}
        self._addresses = decided.addresses
        self._taken = decided.rules(taken=True)

    def covers(self, name: str) -> bool:
        """Whether a name lies below one that was taken."""
        if self._addresses:
            return any(_lies_in(name, taken) for taken in self._taken)
        taken = {rule[2:-1] for rule in self._taken if rule.startswith("||")}
        labels = name.split(".")
        return any(".".join(labels[place:]) in taken for place in range(1, len(labels)))


def _lies_in(prefix: str, wider: str) -> bool:
    inner, outer = ipaddress.ip_network(prefix), ipaddress.ip_network(wider)
    first, last = int(inner.network_address), int(inner.broadcast_address)
    return (
        inner.version == outer.version
        and int(outer.network_address) <= first
        and last <= int(outer.broadcast_address)
    )


def _popularity(rules: Iterable[str], data: Path) -> Iterator[str]:
    """Each rule with the most popular name that it covers, for review."""
    popular = data / "popular-names.txt"
    rows = popular.read_text(encoding="utf-8").split() if popular.is_file() else []
    best: dict[str, tuple[int, str]] = {}
    for line, name in enumerate(rows, start=1):
        labels = name.split(".")
        for place in range(len(labels)):
            best.setdefault(".".join(labels[place:]), (line, name))
    for rule in rules:
        line, name = best.get(rule.lstrip("@|").rstrip("^"), (0, ""))
        yield f"{rule}  ({name} is popular: line {line} of {popular.name})" if line else rule


def write(lists: list[DecidedList], lock: Lock, folder: Path, data: Path) -> None:
    """Write the lists that change, and print what changes."""
    written = 0
    for decided in lists:
        path, text = folder / decided.file, render(decided, lock)
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        if before == text:
            continue
        old, new = _rules_of(before), _rules_of(text)
        path.write_text(text, encoding="utf-8")
        written += 1
        print(f"written: {decided.file}")
        for line in _popularity([rule for rule in new if rule not in old], data):
            print(f"    new: {line}")
        for rule in [rule for rule in old if rule not in new]:
            print(f"    removed: {rule}")
    total = sum(len(decided.rules(taken=True)) for decided in lists)
    print(f"{len(lists)} lists with {total} rules; {written} written, the others as they were")


def _rules_of(text: str) -> dict[str, None]:
    return dict.fromkeys(line for line in text.splitlines() if line and not line.startswith("!"))


def main(folder: Path = HERE, data: Path = DATA) -> int:
    """Write the lists; 1 where a name is undecided, 2 where nothing could be written."""
    try:
        lock, lists = read_lock(folder / "sources.lock"), read_decisions(folder / "decisions.toml")
        lists += update_lists(folder.parent / UPDATES)
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        print(
            f"sources.lock, decisions.toml or updates.toml cannot be read: {error!r}",
            file=sys.stderr,
        )
        return 2
    problems = [problem for decided in lists for problem in mistakes(decided, lock)]
    known = {decided.file for decided in lists if decided.has_file}
    kinds = (".txt", *ENDINGS)
    files = [path.name for kind in kinds for path in sorted(folder.glob(f"*{kind}"))]
    problems += [f"{name}: decisions.toml has no such list" for name in files if name not in known]
    if data.is_dir():
        problems += changed_files(lock, data)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 2
    write([decided for decided in lists if decided.has_file], lock, folder, data)
    if not data.is_dir():
        print(f"{data} is not here: no input was compared with the decisions")
        return 0
    by_name = {decided.name: decided for decided in lists}
    lines = undecided(found_names(lock, data), by_name, lock)
    for line in lines:
        print(line, file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
