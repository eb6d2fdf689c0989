"""What a config of another resolver says, in the terms of Darban's config."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

from resolver import DarbanError
from resolver.config.values import InvalidValue, Network, read_url
from resolver.dns import names
from resolver.lists.guard import too_wide
from resolver.lists.rules import Rule, read_rule

_NOT_IN_LABEL = re.compile(r"[^a-z0-9]+")
_LONGEST_LABEL = 40
_MOST_NOTES = 1000
_FORMATS = (("hosts", "hosts"), ("adblock", "adblock"), ("abp", "adblock"), ("domains", "plain"))
"""The format of a list whose address has a word."""


class OldSetupError(DarbanError):
    """A file of another resolver cannot be read; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class OldHours:
    """Hours of the week, as ``[hours.*]`` has them."""

    days: tuple[str, ...]
    start: str
    end: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class OldDuring:
    """Services that are blocked for a part of the week: within some hours, or outside of them."""

    hours: str
    outside: bool
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OldPolicy:
    """What is blocked for some clients."""

    allow: tuple[str, ...] = ()
    """Rules, as ``||name^`` or ``|name^``."""
    deny: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    """Keys of ``OldSetup.lists``."""
    services: tuple[str, ...] = ()
    during: tuple[OldDuring, ...] = ()
    upstream: tuple[str, ...] = ()
    """The name servers of these clients; none means those of all."""
    enforced: bool = True
    answer: str = ""
    """The answer to a blocked name; empty for that of a new config."""


@dataclass(frozen=True, slots=True)
class OldClients:
    """Clients that share a policy."""

    name: str
    prefixes: tuple[Network, ...]
    policy: OldPolicy


@dataclass(frozen=True, slots=True)
class OldList:
    """A list that others maintain: the keys of ``[lists.sources.*]``."""

    location: str
    is_file: bool
    format: str
    about: str


@dataclass(slots=True)
class OldSetup:
    """All of a config of another resolver."""

    program: str
    default: OldPolicy = OldPolicy()
    """Of the clients that the old config does not list."""
    clients: list[OldClients] = field(default_factory=list)
    lists: dict[str, OldList] = field(default_factory=dict)
    hours: dict[str, OldHours] = field(default_factory=dict)
    local: dict[str, list[str]] = field(default_factory=dict)
    """The records of each name."""
    forward: dict[str, list[str]] = field(default_factory=dict)
    """The name servers of each zone."""
    upstream: list[str] = field(default_factory=list)
    bootstrap: list[str] = field(default_factory=list)
    came: list[str] = field(default_factory=list)
    """What came over, a sentence each."""
    left: list[str] = field(default_factory=list)
    """What did not, and what follows, a sentence each; only ``leave`` adds to it."""
    more_left: int = 0
    """How many are not in ``left``, since nobody would read them all."""

    def leave(self, what: str) -> None:
        """Note something that does not come over."""
        if len(self.left) == _MOST_NOTES:
            self.more_left += 1
        elif what not in self.left:
            self.left.append(what)

    @property
    def all_left(self) -> list[str]:
        """What is left, with the number of what is not named."""
        if not self.more_left:
            return self.left
        return [*self.left, f"{self.more_left} more settings, which are not named here"]

    def add_list(self, location: str, format_: str, about: str) -> str | None:
        """Add a list, and return its name; None where its address cannot be one here."""
        path = location.removeprefix("file://")
        is_file = path.startswith("/")
        if is_file:
            if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file may raise
                self.leave(
                    f"list {location}: there is no such file here. What it blocks passes here. "
                    "Copy the file, and add a [lists.sources.NAME] for it"
                )
                return None
        else:
            try:
                read_url(location)
            except InvalidValue as error:
                self.leave(f"list {location}: {error} What it blocks passes here.")
                return None
            except ValueError:
                self.leave(f"list {location}: no address. What it blocks passes here.")
                return None
        stem = path.rstrip("/").rpartition("/")[2].partition("?")[0].partition(".")[0]
        name = unique(f"imported-{label(stem)}", self.lists)
        self.lists[name] = OldList(path if is_file else location, is_file, format_, about)
        return name


def guessed_format(location: str, otherwise: str) -> str:
    """The format of a list that is not fetched yet, by the words of its address."""
    lower = location.lower()
    return next((format_ for word, format_ in _FORMATS if word in lower), otherwise)


def label(text: str) -> str:
    """A text as a name in a config: lower-case letters, digits and hyphens."""
    return _NOT_IN_LABEL.sub("-", text.lower()).strip("-")[:_LONGEST_LABEL].strip("-") or "list"


def unique(name: str, taken: Iterable[str]) -> str:
    """The name, with a number behind it where it is taken."""
    known = set(taken)
    number = 1
    candidate = name
    while candidate in known:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def prefix(text: str) -> Network | None:
    """The prefix that an address or a prefix means, without host bits; None for anything else."""
    try:
        return None if "%" in text else ip_network(text, strict=False)
    except ValueError:
        return None


def rule(name: str, *, subtree: bool, allow: bool) -> str:
    """The rule for a name, as ``allow`` and ``deny`` have it.

    Raises:
        ValueError: it cannot be one; the message says why.
    """
    read = read_rule(f"{'||' if subtree else '|'}{name.strip()}^", 1)
    reason = read if isinstance(read, str) else too_wide(read._replace(exception=allow))
    if isinstance(read, str) or reason:
        raise ValueError(reason)
    return read.text


def denied(deny: Iterable[str], allow: Iterable[str]) -> tuple[str, ...]:
    """The rules of ``deny`` that no rule of ``allow`` covers.

    In the old program ``allow`` wins; here the rule for the longer name does.
    """
    allowed = Rules(allow)
    return tuple(text for text in dict.fromkeys(deny) if not allowed.cover(_read(text)))


class Rules:
    """Rules by name."""

    def __init__(self, texts: Iterable[str]) -> None:
        rules = [_read(text) for text in texts]
        self._subtrees = {parsed.name for parsed in rules if parsed.subtree}
        self._alone = {parsed.name for parsed in rules if not parsed.subtree}

    def covers(self, name: str) -> bool:
        """Whether one of these rules is for a name."""
        return self.cover(Rule(names.parse(name), False, False, 1))

    def cover(self, rule: Rule) -> bool:
        """Whether these rules are for all names that another is for."""
        if not self._subtrees.isdisjoint(names.zones(rule.name)):
            return True
        return not rule.subtree and rule.name in self._alone


def _read(text: str) -> Rule:
    read = read_rule(text, 1)
    if isinstance(read, str):
        raise ValueError(f"{text}: {read}")
    return read


def name_of(text: str) -> str:
    """The name of a rule."""
    return names.text(_read(text).name)


def by_policy(clients: Sequence[OldClients], default: OldPolicy) -> Mapping[OldPolicy, str]:
    """A name for each policy: that of its first clients."""
    policy_names = {default: "default"}
    for client in clients:
        if client.policy not in policy_names:
            policy_names[client.policy] = unique(client.name, {*policy_names.values(), "open"})
    return policy_names
