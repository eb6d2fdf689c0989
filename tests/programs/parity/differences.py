"""Why a cell may differ: what engines cannot do, as docs/explanation/other-resolvers.md says."""

from collections.abc import Callable
from typing import NamedTuple

from tests.programs.parity.cells import KEPT, Question, Seen

AGREES, UNEXPLAINED = "agrees", "unexplained"
_TTL = 60
_NOERROR, _NXDOMAIN, _REFUSED = 0, 3, 5

_SHARING = {
    "branch": ("administration", "press"),
    "press": ("administration",),
    "visitors": ("crew",),
}
"""The clients who are exempt, and by whose policy others are judged: they share a cache there."""


class Cell(NamedTuple):
    """A question, what Darban answers, and what the engine has answered."""

    question: Question
    caches: str
    ours: Seen
    ours_with_rd: Seen
    """What Darban answers to the same question with RD."""
    theirs: Seen

    @property
    def agrees(self) -> bool:
        """Whether the two answers mean the same to a client."""
        return _same(self.ours, self.theirs)


class Difference(NamedTuple):
    """A documented difference."""

    engines: tuple[str, ...]
    """Empty for all of them."""
    why: str
    applies: Callable[[Cell], bool]


def reason(engine: str, cell: Cell) -> str:
    """Why a cell differs; ``AGREES`` where it does not."""
    if cell.agrees:
        return AGREES
    for known in KNOWN:
        if engine != "Darban" and engine in (known.engines or (engine,)) and known.applies(cell):
            return known.why
    return UNEXPLAINED


def _same(ours: Seen, theirs: Seen) -> bool:
    if ours.is_blocked and theirs.ttl > _TTL:
        return False
    return (ours.rcode, ours.records) == (theirs.rcode, theirs.records)


def _passes_without_rd(cell: Cell) -> bool:
    """Darban refuses; the engine shows nothing, or what it may show with RD."""
    if cell.question.rd or cell.ours.rcode != _REFUSED:
        return False
    return not cell.theirs.records or _same(cell.ours_with_rd, cell.theirs)


def _nxdomain_of_target(cell: Cell) -> bool:
    """Both block without records; the engine's rcode is that of the alias's target."""
    codes = (cell.ours_with_rd.rcode, cell.theirs.rcode)
    return (
        "alias" in cell.question.kind
        and cell.ours_with_rd.is_blocked
        and codes == (_NOERROR, _NXDOMAIN)
        and not cell.theirs.records
    )


def is_led_past_default(cell: Cell) -> bool:
    """A name passes the default by its service, and leads to what a list blocks."""
    led = ("updates alias to blocked", "updates address of a service")
    return cell.question.client.vlan == "servers" and cell.question.kind in led


def _other_type_of_alias(cell: Cell) -> bool:
    return (
        "alias" in cell.question.kind
        and cell.question.type in ("HTTPS", "TXT")
        and cell.ours_with_rd.is_blocked
    )


KNOWN = [
    Difference(
        (),
        "where a name of an allowed service leads is not judged, though the default blocks",
        lambda cell: is_led_past_default(cell) and cell.ours_with_rd.is_blocked,
    ),
    Difference(
        ("Recursor",),
        "without RD, blocked names are refused, too",
        lambda cell: not cell.question.rd and cell.theirs.rcode == _REFUSED,
    ),
    Difference(
        (),
        "without RD, Darban refuses a name that passes; others refer, or answer from the cache",
        _passes_without_rd,
    ),
    Difference(
        (),
        "an alias to a name with NXDOMAIN: the NXDOMAIN of the target, where Darban gives NODATA",
        _nxdomain_of_target,
    ),
    Difference(
        (),
        "an exemption by prefix that permits some services only is not in the zones",
        lambda cell: cell.question.client.name == "press" and not cell.ours_with_rd.is_blocked,
    ),
    Difference(
        ("Unbound",),
        "VLANs of a policy share a cache: an alias that one has by an exemption passes for others",
        lambda cell: (
            "alias" in cell.question.kind
            and cell.caches.removeprefix("warmed by ")
            in _SHARING.get(cell.question.client.name, ())
        ),
    ),
    Difference(
        ("Unbound",),
        "an alias that was cached when its target became blocked passes until its TTL ends",
        lambda cell: "alias" in cell.question.kind and cell.caches == KEPT,
    ),
    Difference(
        ("Unbound",),
        "types other than A and AAAA pass through an alias to a blocked name",
        _other_type_of_alias,
    ),
]
