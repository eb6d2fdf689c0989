"""Whether the audit log, the kept texts and the figures are as they were written."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from resolver.audit.figures import store
from resolver.audit.figures.seal import SealedFigures
from resolver.audit.figures.tables import FiguresError, copied
from resolver.audit.journal import JOURNAL
from resolver.audit.kept_texts import KeptTexts
from resolver.audit.reading import Reading
from resolver.audit.record import AuditRecord, ClockReading, Event
from resolver.audit.seals import Seal, SealRecord, Standing, read_seal, standings
from resolver.audit.witness import HeadState, Witness, WitnessedHead

FiguresOf = Callable[[float, float], SealedFigures]
"""The figures from a moment and before another, as they are now; raises FiguresError."""
GOOD_VERIFICATION: Final = "exit status 0"
"""How the output of the release before ends, where it found its log whole."""


class Found(StrEnum):
    """What is not as it was written, beside the breaks of the log itself (``reading.What``)."""

    EARLIER_FINDINGS = "earlier_findings"
    HEAD_MISSING = "head_missing"
    HEAD_REMOVED = "head_removed"
    HEAD_UNKNOWN = "head_unknown"
    HEAD_OF_EARLIER_RELEASE = "head_of_earlier_release"
    BEFORE_HEAD = "before_head"
    TEXT_CHANGED = "text_changed"
    FIGURES_CHANGED = "figures_changed"
    FIGURES_UNCHECKED = "figures_unchecked"
    FIGURES_UNREADABLE = "figures_unreadable"
    NODE_CHANGED = "node_changed"


class Finding(NamedTuple):
    """Something that is not as it was written."""

    what: StrEnum
    """A ``Found`` or a ``What``."""
    place: str
    """File and line; of figures, that of their seal."""
    at: float = 0.0
    """When the record was written, or when the figures begin."""
    number: int = 0
    """Of the record that was to be there."""
    hash: str = ""
    """The head that is missing, the text that was changed, or how the figures were sealed."""
    end: float = 0.0
    """When the figures end."""


_UNCHECKED_HEADS: Final = {
    HeadState.REMOVED: Found.HEAD_REMOVED,
    HeadState.UNKNOWN: Found.HEAD_UNKNOWN,
    HeadState.UNKNOWN_RELEASE: Found.HEAD_OF_EARLIER_RELEASE,
}


@dataclass(slots=True)
class Check:
    """The result of a verification."""

    head: str = ""
    """The hash of the last record."""
    number: int = 0
    """The number of the last record."""
    records: int = 0
    """Records of the log, without lines of releases before 1.2."""
    sealed: int = 0
    """Times whose figures are as they were sealed."""
    not_kept: int = 0
    """Times that were sealed, and whose figures retention has removed since."""
    set_aside: int = 0
    """Seals that differ, and whose times later seals have."""
    since: float = 0.0
    """When the first record was written."""
    old_lines: int = 0
    """Lines of releases before 1.2, whose hash the first record has."""
    verified: str | None = None
    """What the release before has printed of them; None where it was not asked."""
    after_head: int | None = None
    """Records after the head that was asked for; None where none was, or it is missing."""
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[Finding] = field(default_factory=list)
    """What the log neither shows nor refutes."""


class _Collected:
    """What one pass over the records keeps of them."""

    def __init__(self, kept: Collection[str]) -> None:
        self._kept = kept
        self.texts: dict[str, str] = {}
        """The hashes of kept texts, each with the place of the first record that has it."""
        self.sealed: list[SealRecord] = []

    def take(self, record: AuditRecord) -> None:
        """Keep what is needed of the next record."""
        for key in ("config", "lists"):
            if isinstance(name := record.plain.get(key), str) and name in self._kept:
                self.texts.setdefault(name, record.place)
        if (seal := read_seal(record)) is not None:
            self.sealed.append(SealRecord(seal, replace(record, plain={})))


def verify(
    state: Path, figures_of: FiguresOf, now: ClockReading, head: WitnessedHead | None = None
) -> Check:
    """Check the audit log of a state directory, the texts that it names, and the figures.

    Only a head that a witness has kept shows that all was written anew, or restored from a backup.
    OSError where a file cannot be read.
    """
    check, reading, kept_texts = Check(), Reading(state), KeptTexts(state)
    collected = _Collected(kept_texts.names())
    witness = None if head is None else Witness(head)
    for record in reading.records():
        collected.take(record)
        if witness is not None:
            witness.take(record, is_first=record is reading.first)
    _note_log(reading, check)
    if witness is not None:
        _check_head(witness, reading, check)
    _check_texts(kept_texts, collected.texts, check)
    _check_figures(collected.sealed, figures_of, now.time, check)
    _check_files(state, check)
    return check


def _note_log(reading: Reading, check: Check) -> None:
    first, last = reading.first, reading.last
    check.records, check.old_lines = reading.count - reading.old, reading.old
    if first is not None and last is not None:
        check.since, check.number, check.head = first.time, last.number, last.hash
    check.findings += [
        Finding(log_break.what, log_break.place, number=log_break.number, hash=log_break.hash)
        for log_break in reading.breaks
    ]
    verified = first.plain.get("verified") if first and first.event == Event.ADOPTED else None
    if first is not None and isinstance(verified, str):
        check.verified = verified
        if not verified.rstrip().endswith(GOOD_VERIFICATION):
            check.findings.append(Finding(Found.EARLIER_FINDINGS, first.place, first.time))


def _check_head(witness: Witness, reading: Reading, check: Check) -> None:
    """Note what the log says of the head of a witness, and what was added for a time before it."""
    check.after_head = witness.after
    state, text = witness.state(reading.first, reading.rotation), witness.head.text
    if state is HeadState.MISSING:
        check.findings.append(Finding(Found.HEAD_MISSING, JOURNAL, hash=text))
    elif what := _UNCHECKED_HEADS.get(state):
        number = reading.first.number - 1 if reading.first else 0
        at = reading.rotation.time if reading.rotation else 0.0
        check.unchecked.append(Finding(what, JOURNAL, at, number, text))
    check.findings += [
        Finding(Found.BEFORE_HEAD, record.place, record.time, record.number, end=witness.earliest)
        for record in witness.added
    ]


def _check_texts(kept_texts: KeptTexts, texts: dict[str, str], check: Check) -> None:
    """Compare the kept configs, and hashes of lists, with the hashes that records have of them."""
    for name, place in texts.items():
        if kept_texts.is_changed(name):
            check.findings.append(Finding(Found.TEXT_CHANGED, place, hash=name))


def _check_figures(
    sealed: Sequence[SealRecord], figures_of: FiguresOf, now: float, check: Check
) -> None:
    """Compare the figures of each time with the record that has sealed them."""
    pairs = zip(sealed, standings(sealed, now), strict=True)
    by_time = sorted(pairs, key=lambda pair: pair[0].seal.begin)
    last_of_month = {
        store.month_of(entry.seal.begin): entry for entry, _ in by_time if entry.seal.node
    }
    for entry, standing in by_time:
        seal, month = entry.seal, store.month_of(entry.seal.begin)
        if standing is Standing.UNCHECKED:
            _add_time(check.unchecked, Found.FIGURES_UNCHECKED, entry.record.place, seal)
            continue
        try:
            figures = figures_of(seal.begin, seal.end)
        except FiguresError as error:
            _add_time(check.findings, Found.FIGURES_UNREADABLE, str(error), seal)
            continue
        if figures.hash == seal.figures:
            check.sealed += 1
        elif not figures.is_kept:
            check.not_kept += 1
        elif standing is Standing.SET_ASIDE:
            check.set_aside += 1
        else:
            _add_time(check.findings, Found.FIGURES_CHANGED, entry.record.place, seal)
        is_over = month < store.month_of(by_time[-1][0].seal.begin)
        if is_over and figures.is_kept and entry is last_of_month.get(month):
            _check_node(entry, figures, check)


def _check_files(state: Path, check: Check) -> None:
    """Find the files of figures that cannot be read, also where nothing of them is sealed."""
    known = {finding.place for finding in check.findings}
    for month, error in store.unreadable(state / store.NAME, copied):
        if str(error) not in known:
            begin = store.begin_of(month)
            unreadable = Finding(Found.FIGURES_UNREADABLE, str(error), begin)
            check.findings.append(unreadable._replace(end=store.month_end(begin)))


def _check_node(sealed: SealRecord, figures: SealedFigures, check: Check) -> None:
    """Compare the name of the node and the time zone of a month that is over with its last seal.

    In a month that runs the config may change them, and the server writes them each minute.
    """
    seal = sealed.seal
    if (figures.node, figures.time_zone) != (seal.node, seal.time_zone):
        was = f"{seal.node}, {seal.time_zone}"
        check.findings.append(
            Finding(Found.NODE_CHANGED, sealed.record.place, seal.begin, hash=was)
        )


def _add_time(findings: list[Finding], what: Found, place: str, seal: Seal) -> None:
    """Add a finding about figures; of times that follow each other, as one."""
    last = findings[-1] if findings else None
    if last and (last.what, last.end) == (what, seal.begin):
        findings[-1] = last._replace(end=seal.end)
    else:
        findings.append(Finding(what, place, seal.begin, end=seal.end))
