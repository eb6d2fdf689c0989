"""A list that its publisher signs: its manifest is checked first, then the list against it.

How it works: beside the list, at the same address, are a manifest and its signature
(``lists.manifest``). Each update fetches both. The list itself is fetched only where the manifest
names other octets than those of the copy, so nothing has to be believed of "not modified".

What must stay true:
- Nothing of a manifest is read before ssh-keygen has accepted its signature.
- A list is what the manifest says of the file of this name, and the manifest is no older than that
  of the copy.
- Where the three do not fit each other, they may have been fetched while they were published: they
  are fetched once more, and refused then.
"""

import time
import urllib.parse
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from resolver.fetch.download import Download, FetchError
from resolver.fetch.signed_manifest import Proof, proof_of
from resolver.fetch.ssh_signature import SignatureRefused
from resolver.lists.manifest import (
    MANIFEST,
    MAX_BYTES,
    SIGNATURE,
    InvalidManifest,
    Manifest,
    read_manifest,
)
from resolver.policy.settings import Subscription
from resolver.snapshot.list_store import ListRecord
from resolver.system.regular_files import read_regular

_TIMES: Final = 2

Get = Callable[[str], Awaitable[Download | None]]
"""Fetches a URL into the temporary file of the update; FetchError."""


class _Misfit(FetchError):
    """Manifest, signature and list do not fit each other."""


@dataclass(frozen=True, slots=True)
class SignedList:
    """The list of a subscription, and who may sign it."""

    wanted: Subscription
    signers: Path

    async def fetch(
        self, get: Get, file: Path, record: ListRecord, *, has_copy: bool
    ) -> tuple[Proof, Download | None]:
        """Fetch the manifest, and the list if it is not the copy; the last is in ``file`` then.

        Args:
            get: Fetches into ``file``.
            file: The temporary file.
            record: That of the list; its copy is from the same source.
            has_copy: Whether there is a copy, which is as the record describes it.

        Raises:
            FetchError: one of them did not arrive, or is refused.
        """
        for again in range(_TIMES):
            try:
                proof = await self._manifest(get, file)
                _refuse_older(proof.manifest, record)
                sha256 = self._sha256(proof.manifest)
                if has_copy and sha256 == record.sha256:
                    return proof, None
                download = await get(self.wanted.url)
                if download is None or download.sha256 != sha256:
                    raise _Misfit(f"refused: it has another SHA-256 than {MANIFEST} says")
                return proof, download
            except _Misfit:
                if again == _TIMES - 1:
                    raise
        raise AssertionError("the last time returns or raises")

    async def _manifest(self, get: Get, file: Path) -> Proof:
        """The manifest beside the list, with its signature."""
        parts = []
        for name in (MANIFEST, SIGNATURE):
            try:
                await get(urllib.parse.urljoin(self.wanted.url, name))
                parts.append(read_regular(file, MAX_BYTES))
            except FetchError as error:
                raise FetchError(f"{name}: {error}") from None
            except OSError as error:
                raise FetchError(f"{name}: {error.strerror}") from None
        content, signature = parts
        try:
            return await proof_of(content, signature, self.signers)
        except SignatureRefused as error:
            raise _Misfit(f"{MANIFEST}: refused: {error}") from None
        except InvalidManifest as error:
            raise FetchError(f"refused: {error}") from None

    def _sha256(self, manifest: Manifest) -> str:
        """What the manifest says of the list; FetchError where it does not hold."""
        if problem := manifest.expiry_problem(time.time()):
            raise FetchError(f"refused: {problem}")
        path = urllib.parse.urlsplit(self.wanted.url).path
        name = urllib.parse.unquote(path.rpartition("/")[2])
        sha256 = manifest.files.get(name)
        if sha256 is None:
            raise FetchError(f"refused: {MANIFEST} does not name {name}")
        return sha256

    async def fault_of_copy(self, record: ListRecord) -> str:
        """Why the copy in use would not be accepted now; empty where it would, or there is none."""
        if not record.sha256:
            return ""
        if not record.signer:
            return "the copy in use came without a signature"
        by = f"the copy in use came signed by {record.signer}"
        try:
            signature = record.signature.encode("latin-1")
            proof = await proof_of(record.manifest.encode(), signature, self.signers)
        except (SignatureRefused, InvalidManifest) as error:
            return f"{by}: {error}"
        if record.sha256 not in proof.manifest.files.values():
            return f"{by}, which does not name what it holds"
        problem = proof.manifest.expiry_problem(time.time())
        return f"{by}, and its {problem}" if problem else ""


def _refuse_older(manifest: Manifest, record: ListRecord) -> None:
    """Refuse a manifest that is older than that of the copy, or another one of its serial."""
    if not record.manifest:
        return
    try:
        problem = manifest.serial_problem(read_manifest(record.manifest.encode()))
    except InvalidManifest as error:
        problem = f"of the copy in use, {error}"
    if problem:
        raise FetchError(
            f"refused: {problem}; an old list, or one that its publisher numbers anew: "
            "'darban lists update NAME --reset-serial' takes the latter"
        )
