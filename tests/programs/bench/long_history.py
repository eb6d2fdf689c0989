"""What the commands that read the audit log cost at the log's bound: seconds, and memory.

Its two files are full: an activation each ten minutes for two years, each of another config, and a
seal each hour.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from resolver.audit.journal import EARLIER, HEAD, JOURNAL, is_full
from resolver.audit.record import ClockReading, Event, Head, line_hash, written
from tests.programs.bench.darban import Darban
from tests.programs.bench.processes import BenchError
from tests.programs.bench.report import FIGURES, figure, markdown

_DAY: Final = 86400.0
_STEP: Final = 600.0
_AGE: Final = 800 * _DAY
"""How long ago the first record was written."""
_SEALED: Final = 7
"""Of so many records, one is a seal."""
_WITNESSED: Final = 1000
"""The number of the record whose head a witness has."""
_DIFF: Final = "".join(
    f'-deny = ["name-{n}.example"]\n+deny = ["name-{n}.test"]\n' for n in range(12)
)
_NO_FIGURES: Final = hashlib.sha256().hexdigest()
_CONFIG: Final = """\
[server]
listen = ["127.0.0.1:5300"]
[upstream]
servers = ["127.0.0.1:9"]
[lists]
directories = []
[policies.p]
[vlans.v]
prefixes = ["127.0.0.0/8"]
policy = "p"
"""


class Costs(NamedTuple):
    """Of one command."""

    seconds: float
    megabytes: float
    """The largest resident set."""


class LongHistory:
    """A config whose server has written an audit log up to its bound."""

    def __init__(self, kind: type[Darban], place: Path) -> None:
        self._kind = kind
        self._config = place / "config.toml"
        self._config.write_text(_CONFIG)
        state = place / ".darban"
        state.mkdir()
        self._begin = time.time() - _AGE
        self._known = Head(0, "")
        self._last = Head(0, "")
        for name in (EARLIER, JOURNAL):
            self._fill(state / name)
        (state / HEAD).write_text(json.dumps(self._last._asdict()))

    @property
    def records(self) -> int:
        """How many the log has."""
        return self._last.number

    def commands(self) -> dict[str, Sequence[str]]:
        """The commands, by what the table says of them."""
        middle = time.gmtime(self._begin + self.records / 2 * _STEP)
        moment = time.strftime("%Y-%m-%dT%H:%M+00:00", middle)
        return {
            "history --verify": ("history", "--verify"),
            "history --verify --head": ("history", "--verify", "--head", self._known.text),
            "history --at": ("history", "--at", moment),
            "report --month": ("report", "--month", time.strftime("%Y-%m", middle), "--json"),
        }

    def run(self, arguments: Sequence[str]) -> Costs:
        """Run a command to its end."""
        command = [*self._kind.command(), *arguments, "--config", str(self._config)]
        with self._config.with_name("printed").open("w+b") as printed:
            began = time.monotonic()
            child = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT)
            _, status, used = os.wait4(child.pid, 0)
            seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            text = self._config.with_name("printed").read_text()[-1000:]
            raise BenchError(f"{' '.join(command)} failed:\n{text}")
        return Costs(seconds, used.ru_maxrss * 1024 / 1e6)

    def _fill(self, path: Path) -> None:
        """Write a file until it is full."""
        octets = 0
        with path.open("wb") as file:
            while not is_full(octets):
                octets += file.write(self._next() + b"\n")
            if path.name == EARLIER:
                file.write(self._line(Event.ROTATED, removed=None) + b"\n")

    def _next(self) -> bytes:
        number = self._last.number + 1
        if number % _SEALED == 0:
            end = (self._begin + number * _STEP) // 3600 * 3600 - 3600
            about = {"figures": _NO_FIGURES, "node": "", "time_zone": ""}
            return self._line(Event.SEALED, begin=end - 3600, end=end, **about)
        hashes = {name: _hash(number, name) for name in ("config", "lists", "sha256")}
        content = {"snapshot": hashes["sha256"][:16], "diff": _DIFF, "exemptions": [], **hashes}
        return self._line("reload", who="uid 1000", waited_since=0.0, belongs_to="", **content)

    def _line(self, event: str, **content: object) -> bytes:
        """The next line."""
        number, before = self._last.number + 1, self._last.hash
        clock = ClockReading(self._begin + number * _STEP, self._begin, "0" * 36, synchronised=True)
        line = written(number, before, clock, event, **content)
        self._last = Head(number, line_hash(line))
        if number == _WITNESSED:
            self._known = self._last
        return line


def _hash(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


def tables(kind: type[Darban], place: Path, runs: int) -> list[str]:
    """A heading and a table."""
    sys.stderr.write("bench: writing an audit log up to its bound ...\n")
    history = LongHistory(kind, place)
    rows: list[tuple[str, ...]] = []
    for what, command in history.commands().items():
        sys.stderr.write(f"bench: {what} ...\n")
        found = [history.run(command) for _ in range(runs)]
        rows.append(figure(f"{what}: MB", [costs.megabytes for costs in found], 0))
        rows.append(figure(f"{what}: s", [costs.seconds for costs in found], 1))
    heading = f"## An audit log of {history.records:,} records, at its bound of 128 MiB"
    return [heading, markdown(FIGURES, rows)]
