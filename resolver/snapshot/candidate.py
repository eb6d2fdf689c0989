"""A config that is to be put in force: judged and compiled, in a process of its own.

So that no process that stays ever holds what reading configs and lists takes, and the loop
of the supervisor goes on meanwhile.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import PIPE

from resolver.errors import DarbanError
from resolver.metrics.log import log
from resolver.snapshot import child_process
from resolver.snapshot.background_priority import (
    set_idle_priority,
    set_low_priority,
    starved_of_cpu,
)
from resolver.snapshot.source_texts import SourceTexts

FAILED_EXPECTATIONS = 1
WRONG_CONFIG = 2


class Rejected(DarbanError):
    """The config cannot be put in force; ``code`` is the exit code that says why."""

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
    sources: SourceTexts | None
    """What was read, besides lists that are fetched; None where that is not known."""
    last_good: bool = False
    """Whether it is what was in force before, since the config was rejected."""


async def compile_in_child(
    config: Path,
    state_directory: Path,
    *,
    while_serving: bool = False,
    sources: SourceTexts | None = None,
) -> Accepted:
    """Compile a config in a process of its own; while serving, after those who answer.

    With ``sources`` it is compiled as it was then, and with lists of its own only if they are
    as they were.

    Raises:
        Rejected: with everything that is wrong in it.
    """
    said, code = await _compiler(config, state_directory, while_serving, sources)
    try:
        outcome = json.loads(said)
    except ValueError:
        reason = (
            f"{config}: compiling it ended with exit code {code} and said nothing "
            "that can be read; what the log says may tell why"
        )
        raise Rejected([reason], WRONG_CONFIG) from None
    if outcome["errors"]:
        raise Rejected(outcome["problems"], WRONG_CONFIG)
    if outcome["failed"]:
        report = ["expectations that do not hold:", *outcome["failed"]]
        raise Rejected(report, FAILED_EXPECTATIONS)
    return Accepted(
        Path(outcome["snapshot"]),
        outcome["problems"],
        outcome["expectations"],
        outcome["example"],
        SourceTexts(outcome["texts"], outcome["lists"]),
    )


async def _compiler(
    config: Path, state_directory: Path, while_serving: bool, sources: SourceTexts | None
) -> tuple[bytes, int | None]:
    """What the compiler says, and its exit code."""
    command = child_process.command("resolver.snapshot.compiler", str(config), str(state_directory))
    given = json.dumps(None if sources is None else asdict(sources)).encode()
    try:
        if not while_serving:
            return await _run(command, given)
        with contextlib.suppress(_Starved):
            return await _run(command, given, set_idle_priority)
        log.warning("%s: the cores are full; compiling is begun again with a small share", config)
        return await _run(command, given, set_low_priority)
    except OSError as error:
        reason = f"{config}: no process can be started to compile it ({error.strerror})"
        raise Rejected([reason], WRONG_CONFIG) from None


class _Starved(Exception):
    """The compiler got next to no time."""


async def _run(
    command: Sequence[str], given: bytes, give_way: Callable[[int], None] | None = None
) -> tuple[bytes, int | None]:
    process = await asyncio.create_subprocess_exec(
        *command, env=child_process.environment(), stdout=PIPE, stdin=PIPE
    )
    if give_way is not None:
        give_way(process.pid)
    work = asyncio.create_task(process.communicate(given))
    try:
        if give_way is set_idle_priority and await starved_of_cpu(process.pid, work):
            raise _Starved
        said, _ = await work
    finally:
        if process.returncode is None:  # nobody waits for its end, which may take long
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    return said, process.returncode
