"""``darban history --verify``: whether the audit log and the figures are as they were written."""

import time
from pathlib import Path

from resolver.cli.command import echo, print_json
from resolver.cli.moments import moment_text
from resolver.errors import DarbanError
from resolver.evidence.figures.seal import KeptFigures
from resolver.evidence.figures.tables import copied
from resolver.evidence.history_check import Check, Finding, What, WitnessedHead, verify

_TEXTS = {
    What.TAKEN_OUT: "the record that was linked at {at} is missing {place}",
    What.CHANGED: "{place}: the record that was linked at {at} was changed",
    What.MOVED: "{place}: the record that was linked at {at} is not in its place",
    What.ADDED: "{place}: a record without a link, between others that have theirs",
    What.LINK_CHANGED: "{place}: the link of {at} was changed, or links before it were taken out",
    What.NO_LINK: "{place}: no link, or one that was changed or cut short",
    What.NO_BEGIN: "{place}: the chain does not begin with its first link",
    What.NO_CHAIN: "{place}: there is no chain for {number} records",
    What.OTHER_HEAD: "{place}: at {at} the server found another head than it had written: {hash}",
    What.HEAD_MISSING: "{place}: no link has the head {hash}: the end was cut off after that head "
    "was written, or the chain is of another server, or was written anew",
    What.UNLINKED: "{place}: {number} records at the end have no link: somebody added them, or the "
    "server was killed between a record and its link. One that runs adds it at once: ask again",
    What.BEFORE_HEAD: "{place}: a record of {at} was added after the head that was given, which is "
    "of {since} or later: it says nothing about a time before",
    What.CHAIN_REMOVED: "{place}: at {at} the server found no chain, and {number} older records: "
    "the chain was removed, or a release without one (0.2) wrote them",
    What.NOT_OF_SERVER: "{place}: at {at} the server found {number} records without a link that it "
    "had not written: somebody added them, a server was killed between a record and its link, an "
    "earlier release ran (0.2), or a backup was restored",
    What.TEXT_CHANGED: "{place}: the text {hash}, kept of its config or lists, was changed",
    What.FIGURES_CHANGED: "figures from {at} to {end}: not as they were sealed",
    What.FIGURES_UNREADABLE: "figures from {at} to {end}: they cannot be read: {place}",
    What.NODE_CHANGED: "figures of the month that has {at}: they were of another node or time zone "
    "when they were sealed: {place}",
    What.BEHIND: "{place}: at {at} the chain was behind by {number} records, and they got links: "
    "a server was killed, an earlier release ran, or somebody added them",
    What.LOST: "{place}: at {at} the last record with a link was not in the audit log, and "
    "{number} other records got links: a backup was restored, or records were taken out",
    What.ROTATED: "{place}: at {at} the log began a new file, and its oldest records were removed; "
    "they are not compared. A log does so at 64 MiB",
    What.CLOCK_BACK: "{place}: at {at} the clock had gone back; seals of figures from {since} on "
    "that are older than this link are not compared",
    What.BEFORE_CHAIN: "{place}, and before: {number} records are older than the chain, which "
    "says nothing of them",
    What.CUT_SHORT: "{place}: cut short by a power failure or a full disk, and never read as a "
    "record; such lines: {number}",
    What.BACKDATED: "{place}: a record of {at} comes after one of a later time: the clock was set "
    "back, or somebody added it. It puts nothing in force",
    What.FIGURES_NOT_KEPT: "figures from {at} to {end}: not kept any more, so not compared",
}


def run(state: Path, head: WitnessedHead | None, as_json: bool) -> int:
    """Verify, and print the result; 1 where something is not as it was written.

    Raises:
        DarbanError: a file cannot be read.
    """
    check = verified(state, head)
    if as_json:
        print_json({"whole": not check.findings, **_as_json(check)})
    else:
        echo("\n".join(_lines(check, head)))
    return int(bool(check.findings))


def verified(state: Path, head: WitnessedHead | None = None) -> Check:
    """The result of a verification; DarbanError where a file cannot be read."""
    try:
        return verify(state, KeptFigures(state, copied).of, head, time.time())
    except OSError as error:
        raise DarbanError(str(error)) from None


def _as_json(check: Check) -> dict[str, object]:
    told: dict[str, object] = {
        each: getattr(check, each) for each in ("head", "records", "sealed", "since", "after_head")
    }
    for name, found in (("findings", check.findings), ("notes", check.notes)):
        told[name] = [{**each._asdict(), "text": finding_text(each)} for each in found]
    return told


def _lines(check: Check, head: WitnessedHead | None) -> list[str]:
    lines = [finding_text(each) for each in check.findings]
    lines += [f"note: {finding_text(each)}" for each in check.notes]
    lines.append(
        f"{check.records} records and the figures of {check.sealed} times are as the chain has them"
    )
    if check.head:
        lines.append(f"the chain begins at {moment_text(check.since)}; its head is {check.head}")
    if head is not None and check.after_head is not None:
        lines.append(f"the head {head.chain} is in the chain; links after it: {check.after_head}")
    if head is None:
        lines.append(
            "whether the end was cut off shows only with --head: darban_history_info of a "
            "Prometheus elsewhere has it"
        )
    verdict = f"not as it was written: {len(check.findings)}" if check.findings else "whole"
    return [*lines, f"the history is {verdict}"]


def finding_text(found: Finding) -> str:
    """A finding, or a note, in words."""
    at = moment_text(found.at) if found.at else "an unknown time"
    since, end = moment_text(found.since), moment_text(found.end)
    times = {"at": at, "since": since, "end": end}
    return _TEXTS[found.what].format(**found._asdict() | times)
