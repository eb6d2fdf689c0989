"""``darban record``: count the names that each VLAN asks for, without the clients."""

import contextlib
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from resolver import DarbanError
from resolver.analysis.queries.recorded import RecordingHeader, Row, format_recording
from resolver.cli.command import Config, echo
from resolver.cli.policies import no_such_vlan
from resolver.cli.server import ask
from resolver.fetch.policy_tree import QUESTIONS
from resolver.snapshot import store
from resolver.snapshot.state_owner import become_owner
from resolver.supervisor import control_client
from resolver.system.english import count_text
from resolver.system.files import atomic_file

_DAY = 1440
_DAYS = 14
_ROOM = 1_000_000
"""Different questions that are counted by name; queries for more are only counted by VLAN."""
_PAUSE = 1.0
_PATIENCE = 20.0
"""Seconds to wait for the server, which answers late while it loads another policy."""
_ENDS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

Minutes = Annotated[
    float,
    typer.Option("--minutes", min=0.01, max=_DAYS * _DAY, help="how long; 20,160 at most: 14 days"),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", help="the file to write, which must not exist; by default named by the moment"
    ),
]
Vlan = Annotated[str | None, typer.Option("--vlan", help="count only this VLAN")]
Keep = Annotated[
    bool,
    typer.Option(
        "--keep",
        help="keep it for the server, which tries it on each policy that it pulls from git",
    ),
]


def record(
    *,
    minutes: Minutes,
    out: Out = None,
    vlan: Vlan = None,
    keep: Keep = False,
    config: Config,
) -> int:
    """Count which names each VLAN asks for, for a while.

    They are written to a file: names and types, and how often each VLAN asked, but no client.
    Ctrl-C ends the recording early. 'darban diff --queries' tries the file on another config. A
    recording has room for a million different questions; those beyond are only counted.

        darban record --minutes 60 --out monday.tsv

        darban record --minutes 20160 --vlan servers --out two-weeks.tsv

        darban record --minutes 600 --keep
    """
    if keep and out is not None:
        raise DarbanError("say one of --keep and --out")
    file = out or Path(f"questions-{datetime.now(UTC):%Y%m%d-%H%M%S}.tsv")
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # ``_record`` waits for them
    recording = _Recording(config, vlan)
    if keep:
        state = store.directory(config)
        become_owner(state)
        file = state / QUESTIONS
    with _new_file(file, replace=keep) as opened:
        recording.begin()
        what = f"recording for {minutes:g} minutes the queries to the server of {config}"
        echo(f"{what}; Ctrl-C ends it early", err=True)
        lost = _record(recording, minutes * 60)
        for line in format_recording(recording.header(), recording.rows()):
            opened.write(line.encode())
    queries = count_text(recording.total, "query", "queries")
    echo(f"{file}: {queries} in {recording.minutes} minutes")
    for remark in recording.remarks():
        echo(remark, err=True)
    if lost is not None:
        echo(f"ended early: {lost}", err=True)
    return 0 if lost is None else lost.code


@contextlib.contextmanager
def _new_file(file: Path, *, replace: bool) -> Iterator[BinaryIO]:
    if file.exists() and not replace:
        raise DarbanError(f"{file}: exists already; name another file with --out")
    try:
        with atomic_file(file) as opened:
            os.fchmod(opened.fileno(), 0o600)  # which names are asked is not everybody's business
            yield opened
    except OSError as error:
        raise DarbanError(f"{file}: cannot be written ({error.strerror or error})") from None


def _record(recording: "_Recording", seconds: float) -> control_client.Unreachable | None:
    """Take the counts until the time is over or a signal comes; why it ended early, if it did."""
    try:
        while (left := seconds - recording.seconds) > 0:
            if signal.sigtimedwait(_ENDS, min(_PAUSE, left)):
                break
            recording.take(counting=True)
        recording.take(counting=False)
    except control_client.Unreachable as error:
        return error
    return None


class _Recording:
    """The counts that were taken from the server so far."""

    def __init__(self, config: Path, vlan: str | None) -> None:
        """``vlan`` is the only one whose queries are counted; None for all."""
        self._config = config
        self._only = vlan
        self._owner = secrets.token_hex(8)
        self._counts: dict[tuple[str, bytes, int], int] = {}
        self._left_out: Counter[str] = Counter()
        self._vlans: list[str] = []
        self._began = datetime.now(UTC)
        self._start = time.monotonic()
        self._interruptions = -1  # the beginning is not one
        self.total = 0

    @property
    def seconds(self) -> float:
        """How long the recording has lasted."""
        return time.monotonic() - self._start

    @property
    def minutes(self) -> float:
        """The same, for people."""
        return round(self.seconds / 60, 2)

    def begin(self) -> None:
        """Let the server begin to count.

        Raises:
            DarbanError: there is no such VLAN, or the server cannot begin.
        """
        self.take(counting=True)
        if self._only not in (None, *self._vlans):
            self.take(counting=False)
            raise no_such_vlan(str(self._only), self._vlans)

    def take(self, *, counting: bool) -> None:
        """Take all counts; ``counting`` says whether the server shall go on.

        Raises:
            Unreachable: no server answers.
            ServerRefused: another command is recording.
        """
        # A worker that does not know this recording has missed what came before.
        answer = self._take_some(counting)
        self._interruptions += bool(answer["begun"])
        while answer["more"]:
            answer = self._take_some(counting)

    def _take_some(self, counting: bool) -> dict[str, Any]:
        answer: dict[str, Any] = ask(
            self._config, "record", _PATIENCE, owner=self._owner, counting=counting
        )
        self._vlans = answer["vlans"]
        rows, left_out = answer["rows"], Counter[str](answer["left_out"])
        if self._only is not None:
            rows = [row for row in rows if row[0] == self._only]
            left_out = Counter({self._only: left_out[self._only]})
        self._left_out += left_out
        for vlan, name, qtype, times in rows:
            key = (vlan, bytes.fromhex(name), qtype)
            if key in self._counts or len(self._counts) < _ROOM:
                self._counts[key] = self._counts.get(key, 0) + times
                self.total += times
            else:
                self._left_out[vlan] += times
        return answer

    def header(self) -> RecordingHeader:
        """The file's first line."""
        began = f"{self._began:%Y-%m-%dT%H:%M:%SZ}"
        vlans = self._vlans if self._only is None else [self._only]
        return RecordingHeader(began, self.minutes, vlans, dict(self._left_out))

    def rows(self) -> Iterator[Row]:
        """The file's other lines."""
        return ((*key, times) for key, times in self._counts.items())

    def remarks(self) -> Iterator[str]:
        """What the operator must know about the file."""
        for vlan, times in sorted(self._left_out.items()):
            yield f"left out for lack of room: {count_text(times, 'query', 'queries')} of {vlan}"
        if self._interruptions > 0:
            yield (
                f"interruptions: {self._interruptions}, as when a worker was replaced; "
                "queries just before and after are missing"
            )
