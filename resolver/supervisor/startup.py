"""The start of the supervisor.

The first snapshot, what the operator should know about it, and what the process asks of the kernel.
"""

import asyncio
import contextlib
import ctypes
import os
import resource
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from resolver.audit.audit_log import FileOnDisk
from resolver.compiler.child_compiler import compile_in_child
from resolver.compiler.compilation_result import ALL_LISTS, Accepted, Rejected
from resolver.policy.compiled import CompiledConfig
from resolver.policy.upstream_groups import group_section
from resolver.snapshot import store
from resolver.snapshot.config_files import SourceTexts
from resolver.supervisor.requesting_user import requesting_user
from resolver.supervisor.rollout import ServedSnapshot, read
from resolver.system.files import remove_abandoned
from resolver.system.log import log, say
from resolver.system.steps import Showing
from resolver.upstream.client_socket import missing_source_addresses

_M_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 65536
"""In octets. With 128 KiB, which glibc begins with, the heap still grew."""


async def first_snapshot(
    config: Path,
    state: Path,
    before: Callable[[], Awaitable[None]],
    *,
    last_good: bool,
    saved: str,
    showing: Showing,
) -> tuple[Accepted | None, ServedSnapshot]:
    """The snapshot to begin with, and the config that it is of; None if that is judged later.

    With ``saved`` it is the one with this hash. With ``last_good`` it is the last good one, which
    needs no compilation. If that cannot be read, it is the snapshot of the config, or an older good
    one if the config is rejected. Without both a person starts the server, and accepts what its
    lists have lost. ``before`` is awaited before the config
    is compiled, and ``showing`` entered meanwhile, with what is done.

    Raises:
        Rejected: the config is, and no good snapshot is served instead.
        StateError: the snapshot cannot be read.
    """
    if saved:
        return None, read(store.saved(state, saved))
    unreadable, remarks = "", []
    if last_good:
        try:
            return None, read(store.last_good(state))
        except store.StateError as error:
            unreadable = str(error)
            if not isinstance(error, store.NoLastGood):
                remarks = [f"{error}; the config was compiled, and is served"]
    try:
        await before()
        lists = () if last_good else [ALL_LISTS]
        with showing(f"compiling {config}"):
            accepted = await compile_in_child(config, state, accepted=lists)
    except Rejected as error:
        if not last_good:
            raise
        first = _older_good(state)
        if first is None:
            raise Rejected([*error.report, unreadable], error.code) from None
        say(sys.stderr, f"{config} is not put in force:\n{error}")
        older = f"{unreadable}; an older one, {first.path.name}, is served"
        log.error("%s", older)
        return Accepted(str(first.path), last_good=True, failure=f"{error}; {older}"), first
    first = read(Path(accepted.snapshot))
    return replace(accepted, warnings=[*remarks, *accepted.warnings]), first


def remove_what_was_left(state: Path) -> None:
    """Remove what an earlier server, and commands that were killed, have left half-written.

    And the lists that releases before 1.4 kept, which nothing reads.
    """
    shutil.rmtree(state / "kept-lists", ignore_errors=True)
    with contextlib.suppress(OSError):
        for directory in (state, *state.iterdir()):
            if not directory.is_symlink():  # what it leads to has files of any name
                remove_abandoned(directory)


async def files_on_disk(folder: Path, sources: SourceTexts) -> dict[str, FileOnDisk]:
    """The files of a config and the agency's own lists: since when they are as they are, and whose.

    What cannot be looked at is left out.
    """

    def look() -> dict[str, os.stat_result]:
        stats = {}
        for text in (*sources.texts, *(sources.lists or {})):
            with contextlib.suppress(OSError):
                stats[text] = (folder / text).stat()
        return stats

    known = await asyncio.to_thread(look)
    owners = {uid: await requesting_user(uid) for uid in {stat.st_uid for stat in known.values()}}
    return {file: FileOnDisk(stat.st_ctime, owners[stat.st_uid]) for file, stat in known.items()}


def _older_good(state: Path) -> ServedSnapshot | None:
    """The newest good snapshot that can be read."""
    for path in store.all_good(state):
        with contextlib.suppress(store.StateError):
            return read(path)
    return None


def log_warnings(accepted: Accepted, first: ServedSnapshot) -> None:
    """Log what does not prevent serving, but needs the operator's attention."""
    for warning in accepted.warnings:
        log.warning("%s", warning)
    if accepted.last_good:
        log.error("the last good snapshot, %s, is served instead", first.path.name)
    empty = [group for group, servers in first.hosts.groups().items() if not servers]
    lacking = [] if first.hosts.unknown else lacking_servers(first.compiled, empty)
    for problem in (*lacking, *lacking_source_addresses(first.compiled)):
        log.error("%s", problem)


def lacking_source_addresses(compiled: CompiledConfig) -> list[str]:
    """What is wrong with the source addresses that this host lacks now."""
    return [
        f"{group_section(compiled.forward, group)}: this host lacks the address {source}, which is "
        "the source of queries to these servers. They cannot be asked until the host has the "
        "address, or 'source' is corrected"
        for group, source in missing_source_addresses(compiled)
    ]


def lacking_servers(compiled: CompiledConfig, empty: Iterable[str]) -> list[str]:
    """What is wrong with the upstream groups that have no server now."""
    return [
        f"{where}: no upstream server; resolv.conf names none but this resolver itself. Names "
        f"that need an upstream fail until it names another, or servers are set in {where}"
        for where in (group_section(compiled.forward, group) for group in empty)
    ]


def raise_file_limit() -> None:
    """Allow as many open files as possible: a query to an upstream may need its own socket."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def return_large_blocks() -> None:
    """Return each large block of memory to the kernel as soon as it is freed (mallopt(3)).

    Else glibc takes them from its heap once one of their size was freed. Small blocks then stand in
    the gaps, and the heap grows: by 0.1 to 0.9 MiB in 20 minutes of a soak.
    """
    with contextlib.suppress(AttributeError):  # another libc has no mallopt
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
