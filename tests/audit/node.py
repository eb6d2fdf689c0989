"""An audit log that one server after the other writes, by a clock that a test sets."""

import json
from pathlib import Path

from resolver.audit.figures.seal import SealedFigures
from resolver.audit.journal import HEAD, JOURNAL, Journal
from resolver.audit.record import ClockReading, Event, Head, line_hash
from resolver.audit.verification import Check, verify
from resolver.audit.witness import WitnessedHead

DAY, HOUR = 86400.0, 3600.0
AS_THEY_WERE = "as they were"
"""What stands for the hash of figures that nobody has edited."""
BEGIN = 20_000 * DAY
"""When the first boot began, by a clock that is right."""


def at(time: float, ahead: float = 0.0, boot: str = "one") -> ClockReading:
    """The clock at a true time after BEGIN, in seconds; ``ahead`` is how far it is wrong."""
    return ClockReading(BEGIN + time + ahead, BEGIN + ahead, boot, None)


class Node:
    """A state directory, and the server that writes its log."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.log, self.head_file = state / JOURNAL, state / HEAD
        self.now = 0.0
        self.figures: dict[float, str] = {}
        """The figures of each hour that has another hash than when it was sealed, by its begin."""
        self.restart()

    def restart(self) -> None:
        self.server = Journal(self.state)

    def put(self, snapshot: str, clock: ClockReading | None = None) -> Head:
        """Put a snapshot in force, a minute after the record before."""
        self.now += 60.0
        content = {"who": "uid 0", "snapshot": snapshot, "exemptions": []}
        return self.server.append(clock or at(self.now), "reload", **content)

    def write(self, records: int) -> Head:
        return [self.put(f"{number:016x}") for number in range(1, records + 1)][-1]

    def stop(self, clock: ClockReading | None = None) -> Head:
        self.now += 60.0
        content = {"who": "signal", "snapshot": "", "exemptions": []}
        return self.server.append(clock or at(self.now), "stop", **content)

    def seal(
        self, since: float, until: float, clock: ClockReading, figures: str = AS_THEY_WERE
    ) -> Head:
        """Seal the figures of a time, in seconds after BEGIN."""
        times = {"begin": BEGIN + since, "end": BEGIN + until}
        sealed = {**times, "figures": figures, "node": "", "time_zone": ""}
        return self.server.append(clock, Event.SEALED, **sealed)

    def check(self, head: Head | None = None, witnessed_at: float = 0.0) -> Check:
        """Verify, at the time of the last record; ``witnessed_at`` is in seconds after BEGIN.

        A head with the number 0 is one of which a witness has the hash alone.
        """

        def figures_of(since: float, _: float) -> SealedFigures:
            return SealedFigures(self.figures.get(since - BEGIN, AS_THEY_WERE), is_kept=True)

        noted = BEGIN + witnessed_at if witnessed_at else 0.0
        witnessed = None if head is None else WitnessedHead(head.hash, head.number, noted)
        return verify(self.state, figures_of, at(self.now), witnessed)

    def found(self, head: Head | None = None, witnessed_at: float = 0.0) -> list[str]:
        """The kinds of the findings."""
        return [finding.what.value for finding in self.check(head, witnessed_at).findings]

    def unchecked(self, head: Head) -> list[str]:
        """The kinds of what cannot be checked."""
        return [finding.what.value for finding in self.check(head).unchecked]

    @property
    def lines(self) -> list[bytes]:
        """The lines of the log with their ends; to set them is to write the file anew."""
        return self.log.read_bytes().splitlines(keepends=True)

    @lines.setter
    def lines(self, lines: list[bytes]) -> None:
        self.log.write_bytes(b"".join(lines))

    def kept(self) -> dict[Path, bytes]:
        """All files, as a backup."""
        return {path: path.read_bytes() for path in self.state.iterdir()}

    def restore(self, kept: dict[Path, bytes]) -> None:
        for item in self.state.iterdir():
            item.unlink()
        for path, content in kept.items():
            path.write_bytes(content)


def forged(line: bytes, before: bytes, **changes: object) -> bytes:
    """A line with other fields, and with the number and the hash to follow another line."""
    number = json.loads(before)["number"] + 1
    told = {**json.loads(line), **changes, "number": number, "before": line_hash(before[:-1])}
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"
