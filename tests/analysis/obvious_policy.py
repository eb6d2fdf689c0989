"""The slow, obvious way to judge a name: a policy as plain values, and its lists as text."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.config.tables import vlan
from tests.lists.obvious_matcher import Matcher, matcher

LABELS = ("a", "b", "chat", "files", "x-y")
TOPS = ("a", "b", "example")
SERVICES = ("one", "two", "three", "four")
LISTS = ("one", "two", "three", "four.zone")
Entry = tuple[str, bool]
"""A name, and whether all below it is meant."""


@dataclass
class ObviousPolicy:
    """A policy of one VLAN, ``office``."""

    lists: dict[str, str]
    """As ``compile_texts`` takes them."""
    does: dict[str, str]
    """What the policy does to services: ``block``, ``count`` or ``allow``."""
    allow: list[Entry]
    deny: list[Entry]
    default: str
    local: str = ""
    """A name with a local record, ``*.`` before it for all names below it."""
    forward: str = ""
    matchers: list[tuple[str, Matcher]] = field(init=False)

    def __post_init__(self) -> None:
        kinds = {"zone": "rpz"}
        self.matchers = [
            (service, matcher(text, kinds.get(kind, "adblock")))
            for name, text in self.lists.items()
            for service, _, kind in [name.partition(".")]
        ]

    def toml(self) -> str:
        services = {
            does: [text for text, found in self.does.items() if found == does]
            for does in ("block", "count", "allow")
        }
        allow = services["allow"] + [_text(rule) for rule in self.allow]
        tables = (
            f"[policies.strict]\nblock = {json.dumps(services['block'])}\n"
            f"count = {json.dumps(services['count'])}\nallow = {json.dumps(allow)}\n"
            f"deny = {json.dumps([_text(rule) for rule in self.deny])}\n"
            f'default = "{self.default}"\n' + vlan("office", "strict", "10.10.0.0/16")
        )
        if self.local:
            tables += f'[[local]]\nname = "{self.local}"\nrecords = ["A 10.0.0.9"]\n'
        if self.forward:
            tables += f'[[forward]]\nzones = ["{self.forward}"]\nservers = ["10.0.0.10"]\n'
        return tables

    def outcome(self, name: str) -> str:
        """What a question for a name gets."""
        if self._is_local(name):
            return "passed"
        own = [
            (len(entry[0].split(".")), not entry[1], passes)
            for entries, passes in ((self.allow, True), (self.deny, False))
            for entry in entries
            if _covers(entry, name)
        ]
        if own:
            return "passed" if max(own)[2] else "blocked"
        covering = {service for service, found in self.matchers if found.blocks(name)}
        doing = {self.does.get(text, self.default) for text in covering}
        for does, outcome in (("allow", "passed"), ("block", "blocked"), ("count", "would_block")):
            if does in doing:
                return outcome
        if self.forward and _covers((self.forward, True), name):
            return "passed"
        return {"pass": "passed", "block": "blocked", "count": "would_block"}[self.default]

    def _is_local(self, name: str) -> bool:
        zone = self.local.removeprefix("*.")
        if not self.local or zone == self.local:
            return bool(self.local) and name == self.local
        is_below = _covers((zone, True), name) and name != zone
        forwards = bool(self.forward) and _covers((self.forward, True), name)
        return is_below and not (forwards and len(self.forward) > len(zone))


def _covers(entry: Entry, name: str) -> bool:
    return name == entry[0] or (entry[1] and name.endswith(f".{entry[0]}"))


def _text(entry: Entry) -> str:
    return f"||{entry[0]}^" if entry[1] else f"|{entry[0]}^"


def random_name(source: random.Random, longest: int) -> str:
    labels = source.choices(LABELS, k=source.randint(1, longest - 1))
    return ".".join([*labels, source.choice(TOPS)])


def random_policy(source: random.Random) -> ObviousPolicy:
    default = source.choice(["pass", "pass", "block", "count"])
    doing = ["block", "block", "count", ""] if default != "block" else ["block", "allow", ""]
    does = {text: source.choice(doing) for text in SERVICES}
    own = {(random_name(source, 4), source.random() < 0.6) for _ in range(source.randint(0, 7))}
    mixed = source.sample(sorted(own), len(own))
    name = random_name(source, 4)
    return ObviousPolicy(
        {text: "\n".join(_list(source, text)) + "\n" for text in LISTS},
        {service: found for service, found in does.items() if found},
        *(mixed[::2], mixed[1::2], default),
        source.choice(["", name, f"*.{name}"]),
        source.choice(["", random_name(source, 3)]),
    )


def _list(source: random.Random, name: str) -> Iterator[str]:
    owners = {random_name(source, 5) for _ in range(source.randint(2, 8))}
    if name.endswith(".zone"):
        yield "@ SOA a b 1 2 3 4 5"
        yield "far.example CNAME ."
        for owner in sorted(owners):
            target = source.choice([".", ".", "rpz-passthru."])
            yield f"{source.choice(['', '*.'])}{owner} CNAME {target}"
        return
    yield "! Category: messenger"
    yield "||far.example^"
    kinds = ["||{}^", "||{}^", "|{}^", "@@||{}^", "@@|{}^"]
    for owner in sorted(owners):
        yield source.choice(kinds).format(owner)
