"""What a report of a period takes from files, and the files that it is written to."""

import base64
import subprocess
from pathlib import Path
from typing import Final

from resolver.errors import DarbanError
from resolver.files import write_atomically
from resolver.snapshot.config_files import read_file

_MAX_LOGO: Final = 256 << 10
_PNG: Final = b"\x89PNG\r\n\x1a\n"
NAMESPACE: Final = "darban-report"
"""Of signatures: one for a report is none for anything else."""


def logo_uri(config: Path, logo: str) -> str:
    """A logo as a data URI; as the source of an ``img``, an SVG runs no script and loads nothing.

    Raises:
        DarbanError: the file cannot be read, or is neither SVG nor PNG.
    """
    try:
        content = read_file(config, config.parent / logo, _MAX_LOGO)
    except OSError as error:
        why = error.strerror if "MiB" not in str(error) else f"more than {_MAX_LOGO >> 10} KiB"
        raise DarbanError(f"{logo}: the logo cannot be read ({why})") from None
    if content.startswith(_PNG):
        kind = "image/png"
    elif b"<svg" in content[:4096]:
        kind = "image/svg+xml"
    else:
        raise DarbanError(f"{logo}: the logo is neither an SVG nor a PNG file")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def write_report(path: Path, text: str, key: Path | None) -> None:
    """Write a report, and with a key also its signature, to the same path with .sig.

    Raises:
        DarbanError: it cannot be signed, and nothing was written; or a file cannot be written.
    """
    content = text.encode()
    signature = b"" if key is None else _signature(content, key)
    try:
        write_atomically(path, content)
        if key is not None:
            write_atomically(path.with_name(f"{path.name}.sig"), signature)
    except OSError as error:
        raise DarbanError(f"{error.filename}: cannot be written ({error.strerror})") from None


def _signature(content: bytes, key: Path) -> bytes:
    command = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", str(key)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, check=False)
    except FileNotFoundError:
        raise DarbanError("ssh-keygen signs reports; install openssh-client") from None
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip()
        raise DarbanError(f"{key}: the report cannot be signed: {why}")
    return done.stdout
