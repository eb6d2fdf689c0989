"""Bringing lists up to date: fetch, judge, keep; the last good copy stays where that fails.

What must stay true:
- A copy is replaced by one that was judged good, and by nothing else.
- Nothing that a source or the disk does raises here: it becomes the result of its list.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Literal

import aiohttp

from resolver.fetch.download import Download, FetchError, fetch, open_session
from resolver.fetch.validation import ValidationResult
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.policy.compiled import Endpoint, Subscription
from resolver.snapshot import child_process
from resolver.snapshot.list_store import ListRecord, ListStore

_AT_ONCE = 4
_ROOM = f"{MAX_LIST_BYTES >> 20} MiB at most"


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """What came of bringing a list up to date."""

    result: Literal["updated", "unchanged", "failed"]
    entries: int
    """Names that its copy blocks now."""
    reason: str = ""
    """Why it failed, or is not in force though it was updated."""


@dataclass(slots=True)
class UpdateJob:
    """Lists that are brought up to date together: how far that is."""

    names: list[str]
    progress: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    """Octets that have come, and how many there will be, where that is known."""
    results: dict[str, UpdateResult] = field(default_factory=dict)
    done: bool = False
    """Whether what was fetched is in force, as far as it can be."""

    def as_json(self) -> dict[str, object]:
        """The answer on the control socket."""
        return asdict(self)

    def updated(self) -> list[str]:
        """The lists that have another copy than before."""
        return [name for name, each in self.results.items() if each.result == "updated"]


async def update_lists(
    job: UpdateJob,
    wanted: Iterable[Subscription],
    shelf: ListStore,
    servers: list[Endpoint],
    *,
    smaller_too: bool = False,
) -> None:
    """Bring lists up to date; ``job`` has the results.

    Args:
        job: Told how far it is.
        wanted: The lists.
        shelf: Where their copies are.
        servers: The name servers to look hosts up at.
        smaller_too: Whether to take a list that has fewer than half of its names left.
    """
    places = asyncio.Semaphore(_AT_ONCE)
    try:
        fetching = open_session(servers)
    except Exception as error:  # what c-ares or OpenSSL cannot use of this host, in many kinds
        reason = f"nothing can be fetched on this host: {type(error).__name__}: {error}"
        for each in wanted:
            job.results[each.name] = _failed(shelf, each.name, reason)
        return
    async with fetching as client:

        async def one(subscription: Subscription) -> None:
            async with places:
                updating = _Update(job, client, shelf, subscription, smaller_too)
                job.results[subscription.name] = await updating.run()

        await asyncio.gather(*map(one, wanted))


class _Update:
    """One list."""

    def __init__(
        self,
        job: UpdateJob,
        client: aiohttp.ClientSession,
        shelf: ListStore,
        subscription: Subscription,
        smaller_too: bool,
    ) -> None:
        self._job = job
        self._client = client
        self._shelf = shelf
        self._list = subscription
        self._smaller_too = smaller_too

    async def run(self) -> UpdateResult:
        record = self._shelf.record(self._list.name)
        record.tried = time.time()
        try:
            return await self._try(record)
        except (FetchError, OSError) as error:
            reason = str(error) if isinstance(error, FetchError) else _disk(error)
            return _failed(self._shelf, self._list.name, reason)

    async def _try(self, record: ListRecord) -> UpdateResult:
        name, wanted = self._list.name, self._list
        held = await asyncio.to_thread(self._shelf.holds, name, record)
        same_kind = held and (record.url, record.format) == (wanted.url, wanted.format)
        known = _known(record) if same_kind and wanted.sha256 in ("", record.sha256) else {}
        with self._shelf.aside(name) as file:
            fetched = await fetch(self._client, wanted.url, known, file, self._progress)
            if fetched is None:
                _went_well(record, None)
                self._shelf.note(name, record)
                return UpdateResult("unchanged", record.entries)
            if wanted.sha256 not in ("", fetched.sha256):
                raise FetchError(f"its SHA-256 is {fetched.sha256}, not the one of the config")
            if same_kind and fetched.sha256 == record.sha256:
                _went_well(record, fetched)
                self._shelf.note(name, record)
                return UpdateResult("unchanged", record.entries)
            before = record.entries if held and not self._smaller_too else 0
            judgement = await _judge(file, wanted.format, before)
            if judgement.refused:
                raise FetchError(f"refused: {judgement.refused}")
            record.url, record.format = wanted.url, wanted.format
            record.sha256, record.entries = fetched.sha256, judgement.entries
            _went_well(record, fetched)
            self._shelf.keep(name, file, record)
            return UpdateResult("updated", record.entries)

    def _progress(self, octets: int, length: int | None) -> None:
        self._job.progress[self._list.name] = (octets, length)


def _failed(shelf: ListStore, name: str, reason: str) -> UpdateResult:
    """Note that a list could not be brought up to date; its copy is as it was."""
    record = shelf.record(name)
    record.tried, record.error = time.time(), reason
    record.failures += 1
    with contextlib.suppress(OSError):  # the result tells of the failure all the same
        shelf.note(name, record)
    return UpdateResult("failed", record.entries, reason)


async def _judge(file: Path, kind: str, before: int) -> ValidationResult:
    """Have a file judged in a process of its own; ``before`` is how many names it had."""
    command = child_process.command("resolver.fetch.validation", str(file), kind, str(before))
    process = await asyncio.create_subprocess_exec(
        *command, env=child_process.environment(), stdout=PIPE, stdin=DEVNULL
    )
    try:
        said, _ = await process.communicate()
        return ValidationResult(**json.loads(said))
    except asyncio.CancelledError:
        process.kill()
        raise
    except (ValueError, TypeError):
        return ValidationResult(0, f"reading it ended with exit code {process.returncode}")


def _known(record: ListRecord) -> dict[str, str]:
    """The headers that ask for a list only where it is another one than the copy."""
    marks = {"If-None-Match": record.etag, "If-Modified-Since": record.modified}
    return {header: mark for header, mark in marks.items() if mark}


def _went_well(record: ListRecord, fetched: Download | None) -> None:
    record.updated, record.failures, record.error = record.tried, 0, ""
    if fetched is not None:
        record.etag, record.modified = fetched.etag, fetched.modified


def _disk(error: OSError) -> str:
    reason = error.strerror or error
    return f"the state directory cannot be written to ({reason}); a list takes {_ROOM}"
