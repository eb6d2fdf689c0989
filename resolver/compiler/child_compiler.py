"""Compile a config in a child process, before it is put in force.

So the supervisor never holds what reading a config and its lists takes, and its loop goes on.
"""

import asyncio
import json
import signal
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from resolver.analysis.activation_summary import read_summary
from resolver.compiler.compilation_result import Accepted, Edits, Held, NotCompiled, Rejected
from resolver.snapshot.config_files import SourceTexts
from resolver.system import child_process
from resolver.system.background_priority import run_in_background

_MOST_MIB: Final = 1024
"""Memory for a look at an edit: nobody has asked for it, and the server needs the host's memory."""
_LIMITS: Final = f"ulimit -v {_MOST_MIB << 10} && "
_MOST_SECONDS: Final = 300.0
"""For the same."""


async def compile_in_child(
    config: Path,
    state: Path,
    *,
    while_serving: bool = False,
    sources: SourceTexts | None = None,
    accepted: Iterable[str] = (),
) -> Accepted:
    """Compile a config in a child process; ``while_serving``, at idle CPU priority.

    With ``sources`` these texts are compiled instead of the files on disk, with the fetched lists.
    ``accepted`` are the lists whose losses a person accepts.

    Raises:
        Rejected: with everything that is wrong.
        Held: a list has a loss that is not accepted.
        NotCompiled: no snapshot could be made, for a reason outside of the config.
    """
    command = ("resolver.compiler.compilation", str(config), str(state), *accepted)
    plain = await _answer(config, command, sources, while_serving=while_serving)
    if "reason" in plain:
        raise NotCompiled([plain["reason"]])
    if "held" in plain:
        raise Held(plain["held"])
    if "report" in plain:
        raise Rejected(**plain)
    sources_of, summary = SourceTexts(**plain["sources"]), read_summary(plain["summary"])
    return Accepted(**{**plain, "sources": sources_of, "summary": summary})


async def edits_in_child(config: Path, sources: SourceTexts) -> Edits:
    """What on disk differs from these texts, which are in force; at idle CPU priority.

    Raises:
        NotCompiled: that is not known, as where it takes too much memory or time.
    """
    command = ("resolver.compiler.edits", str(config))
    try:
        async with asyncio.timeout(_MOST_SECONDS):
            plain = await _answer(config, command, sources, while_serving=True, limits=_LIMITS)
    except TimeoutError:
        reason = f"{config}: the process that compares it took more than {_MOST_SECONDS:g} s"
        raise NotCompiled([reason]) from None
    return Edits(tuple(plain["files"]), tuple(plain["refused"]))


async def _answer(
    config: Path,
    command: tuple[str, ...],
    sources: SourceTexts | None,
    *,
    while_serving: bool,
    limits: str = "",
) -> dict[str, Any]:
    """What a child process prints about a config; NotCompiled where it prints nothing."""
    given = json.dumps(None if sources is None else asdict(sources)).encode()
    try:
        if while_serving:
            printed, code = await run_in_background(*command, given=given, limits=limits)
        else:
            printed, code = await child_process.output(await child_process.start(*command), given)
    except OSError as error:
        reason = f"{config}: no process can be started to compile it ({error.strerror})"
        raise NotCompiled([reason]) from None
    try:
        plain: dict[str, Any] = json.loads(printed)
    except ValueError:
        raise NotCompiled([f"{config}: the process that compiles it {_end(code)}"]) from None
    return plain


def _end(code: int | None) -> str:
    """How a process ended that printed no report."""
    if code is not None and code < 0:
        name = signal.strsignal(-code) or f"signal {-code}"
        return f"was ended ({name}); the kernel's log says whether memory had run out"
    return f"ended with exit code {code} and printed no report; its last words are in the log"
