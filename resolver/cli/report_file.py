"""The files that a report of a period is written to: the page, and its signature."""

from pathlib import Path

from resolver import DarbanError
from resolver.cli.ssh_signing import sign
from resolver.system.files import write_atomically


def write_report(path: Path, text: str, key: Path | None) -> None:
    """Write a report, and with a key also its signature, to the same path with .sig.

    Raises:
        DarbanError: it cannot be signed, and nothing was written; or a file cannot be written.
    """
    content = text.encode()
    signature = b"" if key is None else sign(content, key)
    try:
        write_atomically(path, content)
        if key is not None:
            write_atomically(path.with_name(f"{path.name}.sig"), signature)
    except OSError as error:
        raise DarbanError(f"{error.filename}: cannot be written ({error.strerror})") from None
