"""``darban history --verify``: whether the audit log and the figures are as they were written.

An auditor runs this module alone, for a copy of the state directory: it needs Python and no other
package. ``python3 -m resolver.cli.history_verify DIRECTORY [--head NUMBER:HASH [--at DATE]]``.
"""

import argparse
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Final

from resolver import DarbanError
from resolver.audit.clock import read_clock
from resolver.audit.figures.seal import KeptFigures
from resolver.audit.figures.tables import copied
from resolver.audit.reading import Break, What
from resolver.audit.record import Head
from resolver.audit.verification import Check, Finding, Found, verify
from resolver.audit.witness import WitnessedHead
from resolver.cli.moments import moment_text, parse_moment
from resolver.system.log import escaped

NOT_CHECKABLE: Final = 4
"""The exit code where nothing was found, and something cannot be checked."""
_TEXTS: dict[StrEnum, str] = {
    What.TAKEN_OUT: "{place}: before it records are missing, from record {number} on",
    What.CHANGED: "{place}: it does not have the hash of the record before: one of the two was "
    "changed",
    What.MOVED: "{place}: record {number} was to be here: a record was moved or added",
    What.NO_RECORD: "{place}: a line that this log has not written: somebody added it, it was "
    "damaged, or an earlier release ran",
    What.NO_BEGIN: "{place}: the log begins with record {number}, and journal.1.jsonl does not end "
    "with a rotation that removed those before",
    What.EARLY_ROTATION: "{place}: record {number} says that its file was full, and what is before "
    "it in the file is less: somebody added it, or took records out",
    What.BOOTTIME_BACK: "{place}: by CLOCK_BOOTTIME it is older than the record before, of the "
    "same boot: it was not written then",
    What.EARLIER_CHANGED: "{place}: the lines before it, or the files beside the log, are not as "
    "they were then",
    What.HEAD_AHEAD: "{place}: journal-head.json has record {number}, {hash}, and the log does "
    "not: its end was cut off or changed, or a backup of one of the two was restored",
    What.NO_HEAD: "{place}: journal-head.json is missing or damaged, so the end may be cut off",
    What.LOST: "{place}: the server found that the log had lost what it had written last, record "
    "{number}, {hash}",
    Found.EARLIER_FINDINGS: "{place}: the release before did not find its log whole; "
    "the record has what it printed",
    Found.HEAD_MISSING: "no record has the head {hash}: the end was cut off after it was noted, "
    "or the log was written anew or is of another server",
    Found.HEAD_REMOVED: "the head {hash} is not checkable: records up to {number} were removed by "
    "rotation at {at}",
    Found.HEAD_UNKNOWN: "no record has the hash {hash}: cut off, or removed by rotation, as the "
    "records up to {number} at {at}; the number of the head would decide it",
    Found.HEAD_OF_EARLIER_RELEASE: "no record has the hash {hash}: cut off, or of a release before "
    "1.2: then journal-chain.jsonl or journal-chain.1.jsonl has it",
    Found.BEFORE_HEAD: "{place}: record {number} is of {at}, and was written after the head that "
    "was given, which is of {end}: it was added, or the clock had gone back",
    Found.TEXT_CHANGED: "{place}: the text {hash}, kept of its config or lists, was changed",
    Found.FIGURES_CHANGED: "{place}: figures from {at} to {end}: not as they were sealed",
    Found.FIGURES_UNCHECKED: "{place}: figures from {at} to {end} are not checkable: this time is "
    "not over by the clock of now, or is not all sealed again: a clock was wrong, then or now",
    Found.FIGURES_UNREADABLE: "figures from {at} to {end}: they cannot be read: {place}",
    Found.NODE_CHANGED: "{place}: figures of the month that has {at}: they were of another node or "
    "time zone when they were sealed: {hash}",
}


def main(arguments: list[str]) -> int:
    """Verify the directory that the arguments name, and print the result; its exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m resolver.cli.history_verify")
    parser.add_argument("directory", type=Path, help="a copy of /var/lib/darban")
    parser.add_argument("--head", metavar="NUMBER:HASH", help="the head that a witness has")
    parser.add_argument("--at", metavar="DATE", help="the moment at which it was noted")
    options = parser.parse_args(arguments)
    try:
        if not options.directory.is_dir():
            raise DarbanError(
                f"{options.directory}: no directory; expected a copy of /var/lib/darban"
            )
        at = 0.0 if options.at is None else parse_moment(options.at).timestamp()
        head = None if options.head is None else witnessed(options.head, at)
        check = verified(options.directory, head)
    except DarbanError as error:
        sys.stderr.write(f"{escaped(str(error))}\n")
        return error.code
    sys.stdout.write(f"{escaped(check_text(check, head))}\n")
    return exit_code(check)


def witnessed(text: str, at: float) -> WitnessedHead:
    """The head that a witness had at a moment; of a part of a hash, nothing can be said."""
    match = re.fullmatch("(?:([0-9]{1,18}):)?([0-9a-fA-F]{64})", text)
    if match is None:
        raise DarbanError(
            f"'{text}' is no head; expected NUMBER:HASH, the number and the 64 hexadecimal digits "
            "of darban_history_info, or these digits alone"
        )
    return WitnessedHead(match[2].lower(), int(match[1] or 0), at)


def verified(state: Path, head: WitnessedHead | None = None) -> Check:
    """The result of a verification; DarbanError where a file cannot be read."""
    try:
        return verify(state, KeptFigures(state, copied).of, read_clock(), head)
    except OSError as error:
        raise DarbanError(str(error)) from None


def exit_code(check: Check) -> int:
    """Of a command that has verified."""
    return 1 if check.findings else NOT_CHECKABLE if check.unchecked else 0


def as_json(check: Check) -> dict[str, object]:
    """The result as an object."""
    result: dict[str, object] = {"whole": not (check.findings or check.unchecked)}
    result |= {slot: getattr(check, slot) for slot in Check.__slots__}
    for name in ("findings", "unchecked"):
        findings: list[Finding] = getattr(check, name)
        result[name] = [{**one._asdict(), "text": finding_text(one)} for one in findings]
    return result


def check_text(check: Check, head: WitnessedHead | None) -> str:
    """The result in words."""
    lines = [finding_text(finding) for finding in (*check.findings, *check.unchecked)]
    lines.append(
        f"{check.records} records and the figures of {check.sealed} times are as they were written"
    )
    if check.not_kept:
        lines.append(f"the figures of {check.not_kept} times are not kept any more")
    if check.set_aside:
        lines.append(
            f"set aside: {check.set_aside} seals that differ, and whose times were sealed again "
            "later, as where the clock was set"
        )
    if check.old_lines:
        said = "was not asked whether they are whole" if check.verified is None else "has said:"
        lines.append(
            f"{check.old_lines} lines before record 1 are of an earlier release, which {said}"
        )
        lines += [f"  {line}" for line in (check.verified or "").splitlines()]
    if check.head:
        begin = f"the log begins at {moment_text(check.since)}"
        lines.append(f"{begin}; its head is {Head(check.number, check.head).text}")
    if head is None:
        lines.append(
            "whether all was written anew shows only with --head: darban_history_info of a "
            "Prometheus elsewhere has it"
        )
    elif check.after_head is not None:
        lines.append(f"the head {head.text} is in the log; records after it: {check.after_head}")
    return "\n".join([*lines, f"the history is {_verdict(check)}"])


def _verdict(check: Check) -> str:
    if check.findings:
        return f"not as it was written: {len(check.findings)}"
    if check.unchecked:
        number = len(check.unchecked)
        return f"as it was written, as far as that can be checked; not checkable: {number}"
    return "whole"


def finding_text(finding: Finding) -> str:
    """A finding in words."""
    times = {"at": moment_text(finding.at), "end": moment_text(finding.end)}
    return _TEXTS[finding.what].format(**finding._asdict() | times)


def break_text(log_break: Break) -> str:
    """Where the audit log is not as it was written, in words."""
    return _TEXTS[log_break.what].format(**log_break._asdict())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
