"""``darban record``: which names are asked for, by VLAN with counts, and by whom is not kept."""

import contextlib
import secrets
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import typer
from rich.console import Console
from rich.progress import Progress

from resolver.analysis.queries.recorded import RecordingHeader, Row, format_recording
from resolver.cli.place import config_path
from resolver.errors import DarbanError
from resolver.files import atomic_file
from resolver.supervisor import control

_UNREACHABLE = 3
_USAGE = 2
_DAY = 1440
_ROOM = 1_000_000
"""Different questions that are kept; those that find no room are counted."""
_PAUSE = 1.0
_PATIENCE = 20.0
"""Seconds that the server may take; it answers late while it loads another policy."""
_ENDS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

Minutes = Annotated[
    float,
    typer.Option("--minutes", min=0.01, max=_DAY, help="how long to record; a day at most"),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="the file to write, which must not be there; named by the moment"),
]
Config = Annotated[Path | None, typer.Option("--config", help="the config of the server")]


def record(minutes: Minutes, out: Out = None, config: Config = None) -> None:
    """Count the questions of every VLAN for a while, and write them to a file.

    No client is recorded: only names and types, with how often each VLAN asked. Ctrl-C ends
    it early and writes what there is. 'darban diff --queries' tries the file on another
    config. Exits with 3 where no server can be reached.

        darban record --minutes 10

        darban record --minutes 60 --out monday.tsv
    """
    file = out or Path(f"questions-{datetime.now(UTC):%Y%m%d-%H%M%S}.tsv")
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # ``_listen`` waits for them
    try:
        path = config_path(config)
        recording = _Recording(path)
        with _written_whole(file) as aside:
            recording.take(counting=True)
            what = f"recording for {minutes:g} minutes what the server of {path} is asked"
            typer.echo(f"{what}; Ctrl-C ends it early", err=True)
            lost = _listen(recording, minutes * 60)
            for line in format_recording(recording.heading(), recording.rows()):
                aside.write(line.encode())
    except control.Unreachable as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_UNREACHABLE) from None
    except DarbanError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(_USAGE) from None
    typer.echo(f"{file}: {recording.total:,} questions in {recording.minutes} minutes")
    for remark in recording.remarks():
        typer.echo(remark, err=True)
    if lost is not None:
        typer.echo(f"ended early: {lost}", err=True)
        raise typer.Exit(_UNREACHABLE)


@contextlib.contextmanager
def _written_whole(file: Path) -> Iterator[BinaryIO]:
    """A file that is there whole at the end, or not at all; only its owner may read it."""
    if file.exists():
        raise DarbanError(f"{file}: is there already; name another with --out")
    try:
        with atomic_file(file) as aside:
            yield aside
    except OSError as error:
        raise DarbanError(f"{file}: cannot be written ({error.strerror or error})") from None


def _listen(recording: "_Recording", seconds: float) -> control.Unreachable | None:
    """Take what is counted until the time is over or somebody ends it; why it broke off."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("recording", total=seconds)
        try:
            while (left := seconds - recording.seconds) > 0:
                if signal.sigtimedwait(_ENDS, min(_PAUSE, left)):
                    break
                recording.take(counting=True)
                questions = f"recording: {recording.total:,} questions"
                progress.update(task, completed=recording.seconds, description=questions)
            recording.end()
        except control.Unreachable as error:
            return error
    return None


class _Recording:
    """What the server has counted, taken from it bit by bit."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._owner = secrets.token_hex(8)
        self._counts: dict[tuple[str, bytes, int], int] = {}
        self._left_out: Counter[str] = Counter()
        self._vlans: list[str] = []
        self._began = datetime.now(UTC)
        self._start = time.monotonic()
        self._interruptions = -1  # to begin is none
        self.total = 0

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return time.monotonic() - self._start

    @property
    def minutes(self) -> float:
        """The same for people."""
        return round(self.seconds / 60, 2)

    def take(self, *, counting: bool) -> None:
        """Take all that was counted; the server counts on, or no more.

        Raises:
            Unreachable: the server is not there.
            DarbanError: it records for somebody else.
        """
        # A worker that knows nothing of this recording has missed what came before.
        first = self._ask(counting)
        self._interruptions += bool(first["begun"])
        more = bool(first["more"])
        while more:
            more = bool(self._ask(counting)["more"])

    def end(self) -> None:
        """Have the server count no more."""
        self.take(counting=False)

    def _ask(self, counting: bool) -> control.Answer:
        request = {"command": "record", "owner": self._owner, "counting": counting}
        answer = control.ask(self._config, request, _PATIENCE)
        if "error" in answer:
            raise DarbanError(str(answer["error"]))
        self._keep(answer)
        return answer

    def _keep(self, answer: control.Answer) -> None:
        self._vlans = cast("list[str]", answer["vlans"])
        self._left_out.update(cast("dict[str, int]", answer["left_out"]))
        for vlan, name, qtype, times in cast("list[list[Any]]", answer["rows"]):
            key = (vlan, bytes.fromhex(name), qtype)
            if key in self._counts or len(self._counts) < _ROOM:
                self._counts[key] = self._counts.get(key, 0) + times
                self.total += times
            else:
                self._left_out[vlan] += times

    def heading(self) -> RecordingHeader:
        """The file's first line."""
        began = f"{self._began:%Y-%m-%dT%H:%M:%SZ}"
        return RecordingHeader(began, self.minutes, self._vlans, dict(self._left_out))

    def rows(self) -> Iterator[Row]:
        """The file's other lines."""
        return ((*key, times) for key, times in self._counts.items())

    def remarks(self) -> Iterator[str]:
        """What the operator must know of the file."""
        for vlan, times in sorted(self._left_out.items()):
            yield f"left out for want of room: {times:,} questions of {vlan}"
        if self._interruptions > 0:
            yield (
                f"interruptions: {self._interruptions}, as when a worker was replaced; "
                "what was asked just before and after is missing"
            )
