"""Compare the audit log and the figures with the chain: where they are not as they were written."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from resolver.evidence.audit_log import AuditLog, audit_entry, record_time
from resolver.evidence.figures.seal import SealedFigures
from resolver.evidence.figures.store import month_of
from resolver.evidence.figures.tables import FiguresError
from resolver.evidence.history_chain import (
    AUDIT_LOG,
    CHAIN,
    NO_CHAIN,
    Kind,
    Link,
    SealedLink,
    is_record,
    record_hash,
    sealed_link,
)
from resolver.evidence.journal import Journal, Line
from resolver.evidence.record_order import RecordOrder

FiguresOf = Callable[[float, float], SealedFigures]
"""The figures from a moment and before another, as they are now; raises FiguresError."""


class What(StrEnum):
    """What a finding or a note says."""

    # What is not as it was written.
    TAKEN_OUT = "taken_out"
    CHANGED = "changed"
    MOVED = "moved"
    ADDED = "added"
    LINK_CHANGED = "link_changed"
    NO_LINK = "no_link"
    NO_BEGIN = "no_begin"
    NO_CHAIN = "no_chain"
    OTHER_HEAD = "other_head"
    HEAD_MISSING = "head_missing"
    FIGURES_CHANGED = "figures_changed"
    FIGURES_UNREADABLE = "figures_unreadable"
    NODE_CHANGED = "node_changed"
    UNLINKED = "unlinked"
    BEFORE_HEAD = "before_head"
    CHAIN_REMOVED = "chain_removed"
    NOT_OF_SERVER = "not_of_server"
    TEXT_CHANGED = "text_changed"
    # What is said, and shows no change.
    BEHIND = "behind"
    LOST = "lost"
    ROTATED = "rotated"
    CLOCK_BACK = "clock_back"
    BEFORE_CHAIN = "before_chain"
    CUT_SHORT = "cut_short"
    BACKDATED = "backdated"
    FIGURES_NOT_KEPT = "figures_not_kept"


class Finding(NamedTuple):
    """Something that is not as it was written, or a note."""

    what: What
    place: str
    """File and line; empty where there is none."""
    at: float = 0.0
    """When the record or the figures were linked, or when the figures begin."""
    number: int = 0
    """How many records, or lines."""
    hash: str = ""
    """The head that is missing, or the name of the text."""
    since: float = 0.0
    """From when on the clock went back, or when the witness had the head."""
    end: float = 0.0
    """When the figures end."""


@dataclass(slots=True)
class Check:
    """The result of a verification."""

    head: str = ""
    """The chain of the last link."""
    records: int = 0
    """Records of the audit log that have their link."""
    sealed: int = 0
    """Links of figures, each with the figures that it seals."""
    since: float = 0.0
    """When the first link was written."""
    after_head: int | None = None
    """Links after the head that was asked for; None where none was, or it is missing."""
    findings: list[Finding] = field(default_factory=list)
    """What is not as it was written."""
    notes: list[Finding] = field(default_factory=list)
    """What the chain says, and what it does not cover."""


class _Place(NamedTuple):
    sealed: SealedLink
    place: str


class WitnessedHead(NamedTuple):
    """A head that a witness has kept."""

    chain: str
    at: float = 0.0
    """When the witness had it, in seconds since 1970; 0 where that is not known."""


def verify(
    state: Path,
    figures_of: FiguresOf,
    head: WitnessedHead | None = None,
    now: float = math.inf,
) -> Check:
    """Check the audit log of a state directory, and the figures, against the chain.

    Only a head shows that the end of both was cut off, or that records were added later. ``now``
    is as for ``RecordOrder``. OSError where a file cannot be read.
    """
    check = Check()
    log = [each for each in Journal(state / AUDIT_LOG).places() if each.text]
    links = list(_links(state, check))
    witnessed = _check_head(links, head, check)
    if not links:
        if log:
            check.findings.append(Finding(What.NO_CHAIN, CHAIN, number=len(log)))
        return check
    check.head, check.since = links[-1].sealed.chain, links[0].sealed.link.at
    _note_links(links, check)
    _check_records(_expected(links), log, check)
    _check_order(log, links, witnessed, RecordOrder(now), check)
    _check_texts(state, log, check)
    _check_figures([each.sealed.link for each in links], figures_of, check)
    return check


def _links(state: Path, check: Check) -> Iterator[_Place]:
    """The links, each with its place; reports those that do not follow the one before."""
    before: str | None = None
    for line in Journal(state / CHAIN).places():
        sealed, place = sealed_link(line.text), _place(line)
        if sealed is None:
            if line.text:
                check.findings.append(Finding(What.NO_LINK, place))
            continue
        if before is None and sealed.link.kind is Kind.BEGIN:
            before = NO_CHAIN
        if before is not None and not sealed.follows(before):
            check.findings.append(Finding(What.LINK_CHANGED, place, sealed.link.at))
        if before is None and line.file.name == CHAIN:
            check.findings.append(Finding(What.NO_BEGIN, place, sealed.link.at))
        before = sealed.chain
        yield _Place(sealed, place)


class _Witnessed(NamedTuple):
    """What a witness has seen: records after these links say nothing about a time before."""

    links: int
    at: float


def _check_head(
    links: Sequence[_Place], head: WitnessedHead | None, check: Check
) -> _Witnessed | None:
    if head is None:
        return None
    for index, each in enumerate(links):
        if each.sealed.chain == head.chain:
            check.after_head = len(links) - 1 - index
            return _Witnessed(index + 1, max(each.sealed.link.at, head.at))
    check.findings.append(Finding(What.HEAD_MISSING, CHAIN, hash=head.chain))
    return None


def _note_links(links: Sequence[_Place], check: Check) -> None:
    """Tell what links say of the chain: also an attacker can add one of those that are notes."""
    rotations = [each for each in links if each.sealed.link.kind is Kind.ROTATED]
    for sealed, place in rotations[1:]:
        check.notes.append(Finding(What.ROTATED, place, sealed.link.at))
    for sealed, place in links:
        link = sealed.link
        if link.expected:
            check.findings.append(Finding(What.OTHER_HEAD, place, link.at, hash=link.expected))
        if link.unlinked:
            what = What.CHAIN_REMOVED if link.kind is Kind.BEGIN else What.NOT_OF_SERVER
            check.findings.append(Finding(what, place, link.at, link.unlinked))
        elif link.kind is Kind.BEHIND:
            what = What.LOST if link.lost else What.BEHIND
            check.notes.append(Finding(what, place, link.at, link.records))
        if link.kind is Kind.CLOCK_BACK:
            check.notes.append(Finding(What.CLOCK_BACK, place, link.at, since=link.since))


def _expected(links: Sequence[_Place]) -> list[_Place]:
    """The links whose records must be in the log: those that no rotation has removed."""
    rotated = [at for at, each in enumerate(links) if each.sealed.link.kind is Kind.ROTATED]
    kept = links[rotated[-2] + 1 :] if len(rotated) > 1 else links
    return [each for each in kept if each.sealed.link.kind in (Kind.RECORD, Kind.BEGIN)]


def _check_records(expected: Sequence[_Place], log: Sequence[Line], check: Check) -> None:
    """Compare the records with their links, in the order of both."""
    covers_begin = bool(expected) and expected[0].sealed.link.kind is Kind.BEGIN
    records = [each for each in expected if each.sealed.link.kind is Kind.RECORD]
    whole = [each for each in log if is_record(each.text)]
    if cut := [each for each in log if not is_record(each.text)]:
        check.notes.append(Finding(What.CUT_SHORT, _place(cut[0]), number=len(cut)))
    wanted = [each.sealed.link.hash for each in records]
    found = [record_hash(each.text) for each in whole]
    known, there = set(wanted), set(found)
    matcher = SequenceMatcher(None, wanted, found, autojunk=False)
    for tag, first, last, begin, end in matcher.get_opcodes():
        if tag == "equal":
            check.records += last - first
            continue
        added = [each for each in range(begin, end) if found[each] not in known]
        if first != last and added:
            place = _place(whole[added[0]])
            gone = What.CHANGED
        else:
            place = _between(whole, begin)
            gone = What.TAKEN_OUT
        for each in range(first, last):
            what = What.MOVED if wanted[each] in there else gone
            where = _place(whole[found.index(wanted[each])]) if what is What.MOVED else place
            check.findings.append(Finding(what, where, records[each].sealed.link.at))
        if first == last and added:
            if first == 0 and covers_begin:
                check.notes.append(
                    Finding(What.BEFORE_CHAIN, _place(whole[added[-1]]), number=len(added))
                )
            elif first == len(wanted):
                check.findings.append(
                    Finding(What.UNLINKED, _place(whole[added[0]]), number=len(added))
                )
            else:
                check.findings += [Finding(What.ADDED, _place(whole[each])) for each in added]


def _check_order(
    log: Sequence[Line],
    links: Sequence[_Place],
    witnessed: _Witnessed | None,
    order: RecordOrder,
    check: Check,
) -> None:
    """Find the records whose time is before that of a record before, or before a witness."""
    later = {each.sealed.link.hash for each in links[witnessed.links :]} if witnessed else set()
    for line in log:
        at = record_time(line.text)
        if at is None:
            continue
        is_backdated = order.is_backdated(at)
        if witnessed and at < witnessed.at and record_hash(line.text) in later:
            found = Finding(What.BEFORE_HEAD, _place(line), at, since=witnessed.at)
            check.findings.append(found)
        elif is_backdated:
            check.notes.append(Finding(What.BACKDATED, _place(line), at))


def _check_texts(state: Path, log: Sequence[Line], check: Check) -> None:
    """Compare the kept configs, and hashes of lists, with the hashes that records have of them."""
    audit_log = AuditLog(state)
    told: set[str] = set()
    for entry, line in ((audit_entry(each.text), each) for each in log):
        for name in () if entry is None else (entry.config, entry.lists):
            if name and name not in told:
                told.add(name)
                if audit_log.is_text_changed(name):
                    check.findings.append(Finding(What.TEXT_CHANGED, _place(line), hash=name))


def _between(log: Sequence[Line], index: int) -> str:
    """The place in the log before a line, as the line before."""
    return f"after {_place(log[index - 1])}" if index else "before the first line"


def _check_figures(links: Sequence[Link], figures_of: FiguresOf, check: Check) -> None:
    """Compare the figures of each time with the link that has sealed them."""
    seals = _seals(links)
    last_of_month = {month_of(each.since): each for each in seals if each.node}
    for link in seals:
        try:
            found = figures_of(link.since, link.before)
        except FiguresError as error:
            what = Finding(What.FIGURES_UNREADABLE, str(error), link.since, end=link.before)
            _add_time(check.findings, what)
            continue
        if found.hash == link.hash:
            check.sealed += 1
        elif found.is_kept:
            what = Finding(What.FIGURES_CHANGED, "", link.since, end=link.before)
            _add_time(check.findings, what)
        else:
            what = Finding(What.FIGURES_NOT_KEPT, "", link.since, end=link.before)
            _add_time(check.notes, what)
        is_over = month_of(link.since) < month_of(seals[-1].since)
        if is_over and found.is_kept and link is last_of_month.get(month_of(link.since)):
            _check_node(link, found, check)


def _check_node(link: Link, found: SealedFigures, check: Check) -> None:
    """Compare the name of the node and the time zone of a month that is over with its last seal.

    In a month that runs the config may change them, and the server writes them each minute.
    """
    if (found.node, found.time_zone) != (link.node, link.time_zone):
        check.findings.append(
            Finding(What.NODE_CHANGED, f"{link.node}, {link.time_zone}", link.since)
        )


def _add_time(found: list[Finding], new: Finding) -> None:
    """Add a finding about a time; of times that follow each other, as one."""
    last = found[-1] if found else None
    if last and (last.what, last.place, last.end) == (new.what, new.place, new.at):
        found[-1] = last._replace(end=new.end)
    else:
        found.append(new)


def _seals(links: Sequence[Link]) -> list[Link]:
    """The links of figures, without those whose time was not over: the clock went back later."""
    sealed: list[Link] = []
    for each in links:
        if each.kind is Kind.CLOCK_BACK:
            sealed = [one for one in sealed if one.before <= each.since]
        elif each.kind is Kind.FIGURES:
            sealed.append(each)
    return sealed


def _place(line: Line) -> str:
    return f"{line.file.name}, line {line.number}"
