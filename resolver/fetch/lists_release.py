"""Whether lists from a medium may replace those of the release.

The signature comes first: nothing of a manifest is read before. Without ``signers`` no signature is
needed, and the lists are only known to be those that the manifest names.
"""

import asyncio
import hashlib
from pathlib import Path

from resolver import DarbanError
from resolver.fetch.signed_manifest import proof_of
from resolver.fetch.ssh_signature import SignatureRefused
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.lists.manifest import (
    MANIFEST,
    MAX_BYTES,
    SIGNATURE,
    InvalidManifest,
    Manifest,
    read_manifest,
)
from resolver.policy.settings import Settings
from resolver.snapshot.shipped_lists import ShippedLists, shipped_lists
from resolver.system.regular_files import read_regular


class ReleaseRefused(DarbanError):
    """Lists that must not be put in force; the message says why."""


def signers_of(settings: Settings, config: Path) -> Path | None:
    """The file of the keys that may sign the lists of a release; None where none is needed."""
    signers = settings.lists_signers
    return config.parent / signers if signers else None


async def verified(directory: Path, signers: Path | None, wall: float) -> tuple[Manifest, str]:
    """The manifest of a directory of lists, and who has signed it; empty where nobody must.

    Raises:
        ReleaseRefused: the signature, the manifest or a list does not pass.
    """
    content, signer = _read(directory, MANIFEST, MAX_BYTES), ""
    try:
        if signers is None:
            manifest = read_manifest(content)
        else:
            signature = _read(directory, SIGNATURE, MAX_BYTES)
            proof = await proof_of(content, signature, signers)
            manifest, signer = proof.manifest, proof.signer
    except (SignatureRefused, InvalidManifest) as error:
        raise ReleaseRefused(f"refused: {error}") from None
    if problem := manifest.expiry_problem(wall):
        raise ReleaseRefused(f"refused: {problem}")
    await asyncio.to_thread(_check_files, directory, manifest)
    return manifest, signer


async def refusal(directory: Path, signers: Path | None, wall: float) -> str:
    """Why ``verified`` refuses a directory of lists; empty where it does not."""
    try:
        await verified(directory, signers, wall)
    except ReleaseRefused as error:
        return str(error).removeprefix("refused: ")
    return ""


def _check_files(directory: Path, manifest: Manifest) -> None:
    for name, sha256 in manifest.files.items():
        if hashlib.sha256(_read(directory, name, MAX_LIST_BYTES)).hexdigest() != sha256:
            raise ReleaseRefused(f"refused: {name} has another SHA-256 than {MANIFEST} says")


def refuse_older(lists: ShippedLists, new: Manifest) -> None:
    """Refuse a lower serial than that of the lists in force, or another manifest of its serial.

    Raises:
        ReleaseRefused: it is older, or that cannot be known.
    """
    try:
        in_force = _manifest_in_force(lists)
    except (OSError, InvalidManifest) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ReleaseRefused(f"the manifest of the lists in force: {reason}; {_BACK}") from None
    if in_force is not None and (problem := new.serial_problem(in_force)):
        raise ReleaseRefused(f"refused: {problem}; {_BACK}")


_BACK = "'darban lists update --shipped' goes back to the lists of the release first"


def _manifest_in_force(lists: ShippedLists) -> Manifest | None:
    """That of the lists from a medium, or of those of the release; None where these have none."""
    if lists.replaced:
        return lists.manifest()
    shipped = shipped_lists()
    if shipped is None or not (shipped / MANIFEST).exists():
        return None
    return read_manifest(read_regular(shipped / MANIFEST, MAX_BYTES))


def _read(directory: Path, name: str, longest: int) -> bytes:
    try:
        return read_regular(directory / name, longest, follow_link=False)
    except FileNotFoundError:
        raise ReleaseRefused(f"refused: there is no {name}") from None
    except OSError as error:
        raise ReleaseRefused(f"refused: {name}: {error.strerror}") from None
