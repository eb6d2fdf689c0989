"""What a person whose name was blocked is to be told, as values; the page puts it into words.

The name is what the browser came for, the client is where it came from, and what becomes of
the two is asked of the engine that answers ``darban explain``. Nothing is kept of either.
"""

import enum
import re
from dataclasses import dataclass
from ipaddress import ip_address

from resolver.analysis.explanation import Explainer, Explanation
from resolver.dns import codes, names
from resolver.policy.compiled import Directive, Service

_HOST = re.compile(r"([a-z0-9_.-]{1,254})(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
"""What browsers send for a name, with or without a port; whoever sends more is no browser."""
MESSENGER = "messenger"


class Kind(enum.Enum):
    """What there is to tell."""

    CLOSED = "closed"
    OPEN = "open"
    """Nothing closes the name: an old answer has led here, or an alias of a blocked name."""
    EXEMPTED = "exempted"
    GENERAL = "general"
    """No name was asked for, or a stranger has asked."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell; what does not apply is empty."""

    kind: Kind
    name: str = ""
    service: Service | None = None
    vlan: str = ""
    contact: str = ""
    directives: tuple[Directive, ...] = ()
    """The directive that the block stands on, and those that narrow it."""

    @property
    def exempts_publicity(self) -> bool:
        """Whether it is the ban of foreign messengers, from which publicity is exempt."""
        is_messenger = self.service is not None and self.service.category == MESSENGER
        return bool(self.directives) or is_messenger

    def as_json(self) -> dict[str, object]:
        """The object for programs."""
        return {
            "blocked": self.kind is Kind.CLOSED,
            "name": self.name,
            "vlan": self.vlan,
            "service": self.service.name if self.service else "",
            "title": self.service.title if self.service else "",
            "ground": _ground(self),
            "directives": [{"number": each.number, "date": each.date} for each in self.directives],
            "contact": self.contact,
        }


def _ground(notice: Notice) -> str:
    if notice.kind is not Kind.CLOSED:
        return ""
    return "directive" if notice.directives else "agency network policy"


def notice(engine: Explainer, client: str, host: str) -> Notice:
    """What to tell a client that has come for a host."""
    name = _name(host)
    if name is None:
        return Notice(Kind.GENERAL)
    told = engine.for_client(client, name, codes.A)
    if told.outcome == "refused":
        return Notice(Kind.GENERAL)
    terms = engine.terms
    policy = next(each for each in terms.policies if each.name == told.policy)
    directives = [each for each in policy.directives if told.directive == each.number]
    narrowing = [each for each in policy.directives if told.directive == each.narrows != ""]
    return Notice(
        _kind(told),
        told.name,
        next((each for each in terms.services if each.name == told.service), None),
        told.vlan,
        policy.contact,
        (*directives, *narrowing),
    )


def _kind(told: Explanation) -> Kind:
    if told.outcome == "blocked":
        return Kind.CLOSED
    return Kind.EXEMPTED if told.outcome == "exempted" else Kind.OPEN


def _name(host: str) -> bytes | None:
    """The name in a Host header; None where there is none, but an address or rubbish."""
    found = _HOST.fullmatch(host)
    if found is None or _is_address(found[1]):
        return None
    try:
        name = names.parse(found[1])
    except names.InvalidName:
        return None
    return None if name == names.ROOT else name


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
