"""Update lists: download, validate, store; where that fails, the last good copy stays.

What must stay true:
- Only a file that was validated replaces a copy. One that changes a list a lot is held: the copy
  stays until a person accepts the change, or the change gets smaller.
- Nothing that a source or the disk does raises here: it becomes the result of its list.
"""

import asyncio
import contextlib
import hashlib
import json
import urllib.parse
from asyncio.subprocess import Process
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import aiohttp

from resolver.fetch.download import Download, FetchError, fetch, open_session
from resolver.fetch.signed_list import SignedList
from resolver.fetch.signed_manifest import Proof
from resolver.fetch.update_job import UpdateJob, UpdateResult
from resolver.fetch.validation import ValidationRequest, ValidationResult
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Endpoint, Subscription
from resolver.snapshot.list_store import ListRecord, ListStore, StoredCopy
from resolver.system import child_process
from resolver.system.regular_files import read_regular
from resolver.system.steps import Step, unseen

_AT_ONCE = 4


LOCAL = "file:"


def copy_local(url: str, into: Path) -> Download:
    """Copy the file of a ``file:`` URL, which another program of this host keeps up to date.

    It is held to all that a download is: size, format, number of names, expectations. So a file
    that is cut short or emptied leaves the last good copy in force.

    Raises:
        FetchError: the file cannot be read, or is too large.
    """
    path = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path))
    try:
        content = read_regular(path, MAX_LIST_BYTES)
    except OSError as error:
        raise FetchError(f"{path} cannot be read ({error.strerror})") from None
    into.write_bytes(content)
    return Download(hashlib.sha256(content).hexdigest(), "", "")


class ChildValidator:
    """The process that validates the downloads of an update, one after the other.

    It starts with the first download. If it ends while it validates a download, that one is
    refused, and the next one gets another process. To start a process takes longer than to
    validate a list of a thousand names. No more than one download is in memory at a time.
    """

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._process: Process | None = None
        """The process, while it waits for a request."""

    async def validate(self, request: ValidationRequest) -> ValidationResult:
        """Validate a file.

        Raises:
            FetchError: the file is refused.
        """
        async with self._one_at_a_time:
            process, self._process = self._process, None
            if process is None:
                process = await child_process.start("resolver.fetch.validation")
            line = json.dumps(asdict(request)).encode() + b"\n"
            printed = await child_process.ask(process, line)
            if not printed.endswith(b"\n"):
                _, code = await child_process.output(process)
                raise FetchError(f"refused: its validation ended with exit code {code}")
            self._process = process
        result = ValidationResult.from_json(printed)
        if result.refused:
            raise FetchError(f"refused: {result.refused}")
        return result

    async def end(self) -> None:
        """End the process."""
        if self._process is not None:
            await child_process.output(self._process)


async def update_lists(
    job: UpdateJob,
    wanted: Iterable[Subscription],
    store: ListStore,
    servers: list[Endpoint],
    ca_file: Path | None = None,
    *,
    accept: bool = False,
    reset_serial: bool = False,
    folder: Path = Path(),
    step: Step = unseen,
) -> None:
    """Update lists; ``job`` gets the results.

    Args:
        job: The lists and the results.
        wanted: The lists.
        store: Where their copies are.
        servers: The name servers that resolve hosts.
        ca_file: Certificates to trust besides the system's.
        accept: Whether to accept a list that has changed so much that it would be held.
        reset_serial: Whether a signed list may have a lower serial than its copy.
        folder: The config's, to which the files of allowed signers are relative.
        step: Is called with what is done.
    """
    slots = asyncio.Semaphore(_AT_ONCE)
    try:
        session = open_session(servers, ca_file)
    except Exception as error:  # c-ares or OpenSSL cannot use this host, in many ways
        using = "" if ca_file is None else f" with {ca_file}"
        reason = f"nothing can be fetched on this host{using}: {type(error).__name__}: {error}"
        for subscription in wanted:
            job.results[subscription.name] = _failed(store, subscription, reason)
        return
    validator = ChildValidator()
    async with session as client:

        async def one(subscription: Subscription) -> None:
            async with slots:
                signed = None
                if subscription.allowed_signers:
                    signed = SignedList(subscription, folder / subscription.allowed_signers)
                asked = (accept, reset_serial)
                updating = _Update(job, client, validator, store, subscription, *asked, signed)
                job.results[subscription.name] = await updating.run()
            step(f"fetching the lists: {len(job.results)} of {len(job.names)} done")

        try:
            await asyncio.gather(*map(one, wanted))
        finally:
            await validator.end()


def authorities(compiled: CompiledConfig, config: Path) -> Path | None:
    """The certificates to trust besides the system's when the lists of a config are fetched."""
    file = compiled.settings.ca_file
    return config.parent / file if file else None


@dataclass(frozen=True, slots=True)
class _Update:
    """The update of one list."""

    job: UpdateJob
    client: aiohttp.ClientSession
    validator: ChildValidator
    store: ListStore
    wanted: Subscription
    accept: bool
    reset_serial: bool
    signed: SignedList | None

    async def run(self) -> UpdateResult:
        record = self.store.record(self.wanted.name)
        record.begin(self.wanted)
        try:
            with self.store.temporary_file(self.wanted.name) as file:
                return await self._run(record, file)
        except FetchError as error:
            reason = str(error)
        except OSError as error:
            reason = (
                f"the state directory cannot be written to ({error.strerror or error}); "
                f"a list takes {MAX_LIST_BYTES >> 20} MiB at most"
            )
        fault = await self._fault_of_copy()
        return _failed(self.store, self.wanted, _with_fault(reason, fault), fault)

    async def _run(self, record: ListRecord, file: Path) -> UpdateResult:
        name, wanted = self.wanted.name, self.wanted
        copy = await asyncio.to_thread(self.store.newest, name)
        source = (record.url, record.format)
        same_source = copy is not None and source == (wanted.url, wanted.format)
        proof, download = await self._fetch(record, file, same_source=same_source)
        record.failures, record.error = 0, ""
        new = None if same_source and download and download.sha256 == record.sha256 else download
        if new is not None:
            request = _request(file, wanted.format, record, None if self.accept else copy)
            validated = await self.validator.validate(request)
            if validated.held is not None:
                record.held = validated.held
                record.error = record.copy_fault = await self._fault_of_copy()
                self.store.write_record(name, record)
                reason = _with_fault(str(record.held), record.copy_fault)
                return UpdateResult("held", record.entries, reason, record.held)
            record.url, record.format, record.entries = wanted.url, wanted.format, validated.entries
        record.updated, record.held, record.breaks = record.tried, None, ""
        record.copy_fault = ""
        if download is not None:
            record.etag, record.modified = download.etag, download.modified
        if proof is not None or new is not None:
            _note_proof(record, proof)
        if new is not None:
            record.sha256 = new.sha256
            await asyncio.to_thread(self.store.replace, name, file, record)
            return UpdateResult("updated", record.entries)
        self.store.write_record(name, record)
        return UpdateResult("unchanged", record.entries)

    async def _fetch(
        self, record: ListRecord, file: Path, *, same_source: bool
    ) -> tuple[Proof | None, Download | None]:
        """Fetch the list into a file, None where it has not changed; of a signed one, the proof."""

        async def get(url: str, known: Mapping[str, str] = {}) -> Download | None:
            if url.startswith(LOCAL):
                return await asyncio.to_thread(copy_local, url, file)
            return await fetch(self.client, url, known, file)

        if self.signed is not None:
            begins_anew = self.reset_serial or record.url != self.wanted.url
            floor = replace(record, manifest="") if begins_anew else record
            return await self.signed.fetch(get, file, floor, has_copy=same_source)
        validators = {"If-None-Match": record.etag, "If-Modified-Since": record.modified}
        known = {header: value for header, value in validators.items() if value and same_source}
        return None, await get(self.wanted.url, known)

    async def _fault_of_copy(self) -> str:
        """Why the copy that stays would not be accepted now; empty where it would."""
        if self.signed is None:
            return ""
        return await self.signed.fault_of_copy(self.store.record(self.wanted.name))


def _with_fault(reason: str, fault: str) -> str:
    """Why the copy in use stays, and what is wrong with that copy, if anything is."""
    return f"{reason}; {fault}" if fault else reason


def _note_proof(record: ListRecord, proof: Proof | None) -> None:
    """Note by which manifest a copy came; None where its source is not signed."""
    record.serial, record.signer, record.manifest, record.signature = 0, "", "", ""
    if proof is not None:
        record.serial, record.signer = proof.manifest.serial, proof.signer
        record.manifest = proof.content.decode()
        record.signature = proof.signature.decode("latin-1")


def _failed(
    store: ListStore, wanted: Subscription, reason: str, fault: str | None = None
) -> UpdateResult:
    """Note that a list could not be updated; its copy stays, with its fault, if that is known."""
    record = store.record(wanted.name)
    record.begin(wanted)
    record.failures, record.error = record.failures + 1, reason
    record.copy_fault = record.copy_fault if fault is None else fault
    with contextlib.suppress(OSError):  # the result reports the failure all the same
        store.write_record(wanted.name, record)
    return UpdateResult("failed", record.entries, reason)


def _request(
    file: Path, kind: str, record: ListRecord, copy: StoredCopy | None
) -> ValidationRequest:
    """What to validate; ``copy`` is the one in use, where the change from it is to be bounded."""
    if copy is None:
        return ValidationRequest(str(file), kind)
    return ValidationRequest(str(file), kind, record.entries, str(copy.path), record.format)
