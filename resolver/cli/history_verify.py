"""``darban history --verify``: whether the audit log and the figures are as they were written."""

from enum import StrEnum
from pathlib import Path

from resolver import DarbanError
from resolver.audit.clock import read_clock
from resolver.audit.figures.seal import KeptFigures
from resolver.audit.figures.tables import copied
from resolver.audit.reading import Break, What
from resolver.audit.verification import Check, Finding, Found, WitnessedHead, verify
from resolver.cli.command import echo, print_json
from resolver.cli.moments import moment_text

_TEXTS: dict[StrEnum, str] = {
    What.TAKEN_OUT: "{place}: before it records are missing, from record {number} on",
    What.CHANGED: "{place}: it does not have the hash of the record before: one of the two was "
    "changed",
    What.MOVED: "{place}: record {number} was to be here: a record was moved or added",
    What.NO_RECORD: "{place}: a line that this log has not written: somebody added it, it was "
    "damaged, or an earlier release ran",
    What.NO_BEGIN: "{place}: the log begins with record {number}, and no record says that those "
    "before were removed by the bound",
    What.BOOTTIME_BACK: "{place}: by CLOCK_BOOTTIME it is older than the record before, of the "
    "same boot: it was not written then",
    What.EARLIER_CHANGED: "{place}: the lines before it, or the files beside the log, are not as "
    "they were then",
    What.HEAD_AHEAD: "{place}: journal-head.json has record {number}, {hash}, and the log does "
    "not: its end was cut off or changed, or a backup of the log alone was restored",
    What.NO_HEAD: "{place}: journal-head.json is missing or damaged, so the end may be cut off",
    What.LOST: "{place}: the server found that the log had lost what it had written last, record "
    "{number}, {hash}",
    Found.EARLIER_FINDINGS: "{place}: the release before did not find its log whole; "
    "the record has what it printed",
    Found.HEAD_MISSING: "no record has the hash {hash}: the end was cut off after it was noted, "
    "the log was written anew or is of another server, or an earlier release wrote that hash: "
    "answer-auditor.md has the script that looks for it in journal-chain.jsonl",
    Found.BEFORE_HEAD: "{place}: record {number} is of {at}, and was written after the head that "
    "was given, which is of {end}: it was added, or the clock had gone back",
    Found.TEXT_CHANGED: "{place}: the text {hash}, kept of its config or lists, was changed",
    Found.FIGURES_CHANGED: "{place}: figures from {at} to {end}: not as they were sealed",
    Found.FIGURES_UNREADABLE: "figures from {at} to {end}: they cannot be read: {place}",
    Found.NODE_CHANGED: "{place}: figures of the month that has {at}: they were of another node or "
    "time zone when they were sealed: {hash}",
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
        return verify(state, KeptFigures(state, copied).of, read_clock(), head)
    except OSError as error:
        raise DarbanError(str(error)) from None


def _as_json(check: Check) -> dict[str, object]:
    told: dict[str, object] = {each: getattr(check, each) for each in Check.__slots__}
    findings = [{**each._asdict(), "text": finding_text(each)} for each in check.findings]
    return {**told, "findings": findings}


def _lines(check: Check, head: WitnessedHead | None) -> list[str]:
    lines = [finding_text(each) for each in check.findings]
    lines.append(
        f"{check.records} records and the figures of {check.sealed} times are as they were written"
    )
    if check.not_kept:
        lines.append(f"the figures of {check.not_kept} times are not kept any more")
    if check.old_lines:
        said = "was not asked whether they are whole" if check.verified is None else "has said:"
        lines.append(
            f"{check.old_lines} lines before record 1 are of an earlier release, which {said}"
        )
        lines += [f"  {line}" for line in (check.verified or "").splitlines()]
    if check.head:
        begin = f"the log begins at {moment_text(check.since)}"
        lines.append(f"{begin}; its head is record {check.number}, {check.head}")
    if head is None:
        lines.append(
            "whether all was written anew shows only with --head: darban_history_info of a "
            "Prometheus elsewhere has it"
        )
    elif check.after_head is not None:
        lines.append(f"the head {head.hash} is in the log; records after it: {check.after_head}")
    verdict = f"not as it was written: {len(check.findings)}" if check.findings else "whole"
    return [*lines, f"the history is {verdict}"]


def finding_text(found: Finding) -> str:
    """A finding in words."""
    times = {"at": moment_text(found.at), "end": moment_text(found.end)}
    return _TEXTS[found.what].format(**found._asdict() | times)


def break_text(found: Break) -> str:
    """Where the audit log is not as it was written, in words."""
    return _TEXTS[found.what].format(**found._asdict())
