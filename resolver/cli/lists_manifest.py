"""``darban lists manifest``: write what a publisher of lists signs."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from resolver import DarbanError
from resolver.cli.command import echo
from resolver.fetch.ssh_signature import NAMESPACE
from resolver.lists.manifest import MANIFEST, SIGNATURE, Manifest, read_manifest
from resolver.snapshot.list_directory import hashes, read_files
from resolver.system.files import write_atomically

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="the directory of the lists")]
Serial = Annotated[
    int, typer.Option("--serial", metavar="N", help="higher than that before: 2026120301")
]
Expires = Annotated[
    str, typer.Option("--expires", metavar="DAY", help="the last day on which it holds: 2027-03-01")
]


def manifest(directory: Directory, *, serial: Serial, expires: Expires) -> int:
    """Write the manifest of a directory of lists.

    It names each file of the directory, with its SHA-256; a serial; and a day, after which it has
    expired. Hidden files and folders are left out. The command that signs it is printed. Publish
    the manifest, its signature and the lists together.

        darban lists manifest public --serial 2026120301 --expires 2027-03-01
    """
    try:
        contents = read_files(directory)
        text = _manifest(hashes(contents), serial, expires).text()
        path = directory / MANIFEST
        # that of a manifest before is none for this one
        (directory / SIGNATURE).unlink(missing_ok=True)
        write_atomically(path, text.encode())
    except OSError as error:
        raise DarbanError(f"{error.filename or directory}: {error.strerror}") from None
    echo(f"{path}: serial {serial}, holds until {expires}")
    echo(f"to sign it: ssh-keygen -Y sign -n {NAMESPACE} -f KEY {path}")
    return 0


def _manifest(files: dict[str, str], serial: int, expires: str) -> Manifest:
    """The manifest of these files; DarbanError where it would be refused."""
    if not files:
        raise DarbanError("there is no list in this directory")
    try:
        last_day = dt.date.fromisoformat(expires)
    except ValueError:
        raise DarbanError(f"'{expires}' is no day; expected one such as 2027-03-01") from None
    made = Manifest(serial, last_day, files)
    if made.expiry_problem(dt.datetime.now(dt.UTC).timestamp()):
        raise DarbanError(f"{expires} is over: nobody would accept this manifest")
    return read_manifest(made.text().encode())
