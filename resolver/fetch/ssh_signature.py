"""Who has signed a manifest of lists: ssh-keygen says it, by the keys of the allowed signers.

A signature is of a namespace of its own: one for git, or for a report, is none for a list. The
options of a key in the file of allowed signers hold: ``namespaces``, and ``valid-after`` and
``valid-before`` at the time of the check.
"""

import asyncio
import os
import re
import shutil
import tempfile
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Final

from resolver import DarbanError
from resolver.system import child_process

NAMESPACE: Final = "darban-lists"
_MISSING: Final = "ssh-keygen checks signatures, and is not installed; Debian: openssh-client"
_SECONDS: Final = 30.0
_MAX_REASON: Final = 300
_KEY: Final = re.compile(r"SHA256:\S+")


class SignatureRefused(DarbanError):
    """A signature that does not pass; the message says why."""


async def signer_of(content: bytes, signature: bytes, signers: Path) -> str:
    """Who has signed a content, and by which key: ``noc@agency.example SHA256:...``.

    Raises:
        SignatureRefused: it is not signed by a key of ``signers``, or that cannot be checked.
    """
    if not (signers.is_file() and os.access(signers, os.R_OK)):
        raise SignatureRefused(f"{signers} cannot be read: it is to have the keys that may sign")
    try:
        with tempfile.NamedTemporaryFile(prefix="darban-", suffix=".sig") as file:
            file.write(signature)
            file.flush()
            return await _signer_by(content, file.name, signers)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SignatureRefused(
            f"no temporary file can be written for ssh-keygen ({reason})"
        ) from None


async def _signer_by(content: bytes, signature: str, signers: Path) -> str:
    """The principal by whose line a key may sign, of several lines the first; SignatureRefused."""
    of_signature, of_signers = ("-s", signature), ("-f", str(signers))
    code, printed, said = await _ssh_keygen("find-principals", *of_signature, *of_signers)
    principal = printed.partition("\n")[0]
    if code or not principal:
        _, printed, said = await _ssh_keygen(
            "check-novalidate", "-n", NAMESPACE, *of_signature, given=content
        )
        key = _KEY.search(printed)
        why = f"by {key[0]}, which is not among the keys of {signers}" if key else said
        raise SignatureRefused(f"it is not signed by an allowed signer: {why}")
    verify = ("verify", "-n", NAMESPACE, "-I", principal, *of_signature, *of_signers)
    code, printed, said = await _ssh_keygen(*verify, given=content)
    key = _KEY.search(printed)
    if code or key is None:
        raise SignatureRefused(f"its signature by {principal} is not good: {said}")
    return f"{principal} {key[0]}"


async def _ssh_keygen(
    action: str, *arguments: str, given: bytes = b""
) -> tuple[int | None, str, str]:
    """The exit code of ssh-keygen, what it prints, and the first line of what is wrong."""
    if shutil.which("ssh-keygen") is None:
        raise SignatureRefused(_MISSING)
    command = child_process.expendable("ssh-keygen", "-Y", action, *arguments)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, "LC_ALL": "C"},
        )
        async with asyncio.timeout(_SECONDS):
            printed, said = await process.communicate(given)
    except TimeoutError:
        await child_process.kill(process)
        raise SignatureRefused(f"ssh-keygen took more than {_SECONDS:.0f} s") from None
    except OSError as error:
        raise SignatureRefused(f"ssh-keygen cannot be started ({error.strerror})") from None
    first = (said.decode(errors="replace").strip() or "unknown").splitlines()[0]
    return process.returncode, printed.decode(errors="replace"), first[:_MAX_REASON]
