"""A manifest of lists with its signature: nothing of it is read before that is good."""

from dataclasses import dataclass
from pathlib import Path

from resolver.fetch.ssh_signature import signer_of
from resolver.lists.manifest import Manifest, read_manifest


@dataclass(frozen=True, slots=True)
class Proof:
    """A manifest whose signature was good."""

    content: bytes
    signature: bytes
    manifest: Manifest
    signer: str
    """Who has signed it, and by which key."""


async def proof_of(content: bytes, signature: bytes, signers: Path) -> Proof:
    """Check the signature of a manifest, and read it.

    Raises:
        SignatureRefused: it is not signed by a key of ``signers``.
        InvalidManifest: it is no manifest.
    """
    signer = await signer_of(content, signature, signers)
    return Proof(content, signature, read_manifest(content), signer)
