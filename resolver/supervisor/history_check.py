"""Compare the audit log and the figures with the chain: where they are not as they were written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from resolver.supervisor.history_chain import (
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
from resolver.supervisor.journal import Journal, Line

HashOfFigures = Callable[[float, float], tuple[str, bool]]
"""The SHA-256 of the figures from a moment and before another, and whether they are still kept."""


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
    # What is said, and shows no change.
    BEHIND = "behind"
    LOST = "lost"
    ROTATED = "rotated"
    CLOCK_BACK = "clock_back"
    BEFORE_CHAIN = "before_chain"
    CUT_SHORT = "cut_short"
    UNLINKED = "unlinked"
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
    """The head that is missing."""
    since: float = 0.0
    """From when on the clock went back."""


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


def verify(state: Path, hash_of_figures: HashOfFigures, head: str | None = None) -> Check:
    """Check the audit log of a state directory, and the figures, against the chain.

    Only ``head``, which a witness has kept, shows that the end of both was cut off. OSError where a
    file cannot be read.
    """
    check = Check()
    log = [each for each in Journal(state / AUDIT_LOG).places() if each.text]
    links = list(_links(state, check))
    if not links and not log:
        return check
    if not links:
        check.findings.append(Finding(What.NO_CHAIN, CHAIN, number=len(log)))
        return check
    check.head, check.since = links[-1].sealed.chain, links[0].sealed.link.at
    _check_head(links, head, check)
    _note_not_compared(links, check)
    _check_records(_expected(links), log, check)
    _check_figures([each.sealed.link for each in links], hash_of_figures, check)
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


def _check_head(links: Sequence[_Place], head: str | None, check: Check) -> None:
    chains = [each.sealed.chain for each in links]
    if head is not None and head in chains:
        check.after_head = len(chains) - 1 - chains.index(head)
    elif head is not None:
        check.findings.append(Finding(What.HEAD_MISSING, CHAIN, hash=head))
    for sealed, place in links:
        link = sealed.link
        if link.expected:
            check.findings.append(Finding(What.OTHER_HEAD, place, link.at, hash=link.expected))
        if link.kind is Kind.BEHIND:
            what = What.LOST if link.lost else What.BEHIND
            check.notes.append(Finding(what, place, link.at, link.records))


def _note_not_compared(links: Sequence[_Place], check: Check) -> None:
    """Note each link after which earlier ones are not compared: also an attacker can add one."""
    rotations = [each for each in links if each.sealed.link.kind is Kind.ROTATED]
    for sealed, place in rotations[1:]:
        check.notes.append(Finding(What.ROTATED, place, sealed.link.at))
    for sealed, place in links:
        link = sealed.link
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
                check.notes.append(
                    Finding(What.UNLINKED, _place(whole[added[0]]), number=len(added))
                )
            else:
                check.findings += [Finding(What.ADDED, _place(whole[each])) for each in added]


def _between(log: Sequence[Line], index: int) -> str:
    """The place in the log before a line, as the line before."""
    return f"after {_place(log[index - 1])}" if index else "before the first line"


def _check_figures(links: Sequence[Link], hash_of_figures: HashOfFigures, check: Check) -> None:
    """Compare the figures of each time with the link that has sealed them."""
    for link in _seals(links):
        found, is_kept = hash_of_figures(link.since, link.before)
        if found == link.hash:
            check.sealed += 1
        elif is_kept:
            check.findings.append(Finding(What.FIGURES_CHANGED, "", link.since))
        else:
            check.notes.append(Finding(What.FIGURES_NOT_KEPT, "", link.since))


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
