"""Compile a config in a child process, before it is put in force.

So the supervisor never holds what reading a config and its lists takes, and its loop goes on.

A fetched list comes in force at any hour, when nobody watches. An edit that was not reloaded must
not come in force with it. Therefore the config is then compiled from ``SourceTexts``: the texts of
the last activation. It is rejected if one of the agency's own lists has changed since.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import PIPE

from resolver.errors import DarbanError
from resolver.metrics.log import log
from resolver.snapshot import child_process
from resolver.snapshot.background_priority import (
    is_starved,
    set_idle_priority,
    set_low_priority,
)

FAILED_EXPECTATIONS = 1
WRONG_CONFIG = 2


@dataclass(frozen=True, slots=True)
class SourceTexts:
    """The files of a policy in force, as they were when it was put in force."""

    texts: Mapping[str, str] = field(default_factory=dict)
    """The config's files by their paths, relative to the config's directory."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of each list that is not fetched, by its file."""


@dataclass(frozen=True, slots=True)
class CompilerReport:
    """What the child process prints, as a JSON object."""

    snapshot: str = ""
    """The directory of the saved snapshot; empty where the config is rejected."""
    problems: list[str] = field(default_factory=list)
    errors: int = 0
    failed: list[str] = field(default_factory=list)
    """The expectations that do not hold."""
    expectations: int = 0
    example: str = ""
    """A dig command that is blocked."""
    sources: SourceTexts = field(default_factory=SourceTexts)


class Rejected(DarbanError):
    """The config cannot be put in force; ``code`` is the exit code."""

    def __init__(self, report: Sequence[str], code: int) -> None:
        self.report = list(report)
        self.code = code
        super().__init__("\n".join(report))


@dataclass(frozen=True, slots=True)
class Accepted:
    """A config that was compiled without an error."""

    snapshot: Path
    warnings: list[str]
    expectations: int
    example: str
    """A dig command that is blocked."""
    sources: SourceTexts | None
    """None where the last good snapshot is served, whose texts are unknown."""
    last_good: bool = False
    """Whether the config was rejected, and this is the last good snapshot."""


async def compile_in_child(
    config: Path,
    state: Path,
    *,
    while_serving: bool = False,
    sources: SourceTexts | None = None,
) -> Accepted:
    """Compile a config in a child process; ``while_serving``, at idle CPU priority.

    With ``sources`` these texts are compiled instead of the files on disk, with the fetched lists.

    Raises:
        Rejected: with everything that is wrong.
    """
    printed, code = await _run_compiler(config, state, while_serving, sources)
    try:
        plain = json.loads(printed)
        report = CompilerReport(**{**plain, "sources": SourceTexts(**plain["sources"])})
    except ValueError:
        reason = (
            f"{config}: the process that compiles it ended with exit code {code} and printed "
            "no report; its last words are in the log"
        )
        raise Rejected([reason], WRONG_CONFIG) from None
    if report.errors:
        raise Rejected(report.problems, WRONG_CONFIG)
    if report.failed:
        raise Rejected(["expectations that do not hold:", *report.failed], FAILED_EXPECTATIONS)
    return Accepted(
        Path(report.snapshot), report.problems, report.expectations, report.example, report.sources
    )


async def _run_compiler(
    config: Path, state: Path, while_serving: bool, sources: SourceTexts | None
) -> tuple[bytes, int | None]:
    """What the compiler prints, and its exit code."""
    command = child_process.command("resolver.snapshot.compiler", str(config), str(state))
    given = json.dumps(None if sources is None else asdict(sources)).encode()
    try:
        if not while_serving:
            return await _run(command, given)
        with contextlib.suppress(_Starved):
            return await _run(command, given, set_idle_priority)
        log.warning("%s: the cores are full; compiling starts again at low priority", config)
        return await _run(command, given, set_low_priority)
    except OSError as error:
        reason = f"{config}: no process can be started to compile it ({error.strerror})"
        raise Rejected([reason], WRONG_CONFIG) from None


class _Starved(Exception):
    """The compiler got almost no CPU time."""


async def _run(
    command: Sequence[str], given: bytes, set_priority: Callable[[int], None] | None = None
) -> tuple[bytes, int | None]:
    process = await asyncio.create_subprocess_exec(
        *command, env=child_process.environment(), stdout=PIPE, stdin=PIPE
    )
    if set_priority is not None:
        set_priority(process.pid)
    work = asyncio.create_task(process.communicate(given))
    try:
        if set_priority is set_idle_priority and await is_starved(process.pid, work):
            raise _Starved
        printed, _ = await work
    finally:
        if process.returncode is None:  # its end is not awaited, which may take long
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    return printed, process.returncode
