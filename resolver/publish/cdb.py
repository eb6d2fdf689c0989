"""Constant databases (CDB), written by the program ``cdb`` of tinycdb."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from resolver.errors import DarbanError


def constant_database(records: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The file with these keys and values.

    Raises:
        DarbanError: the program is not installed, or has failed.
    """
    lines = (b"+%d,%d:%b->%b\n" % (len(key), len(value), key, value) for key, value in records)
    with TemporaryDirectory() as directory:
        path = Path(directory, "made.cdb")
        command = ["cdb", "-c", "-t", "-", str(path)]
        try:
            subprocess.run(command, input=b"".join(lines) + b"\n", capture_output=True, check=True)
        except FileNotFoundError:
            raise DarbanError(
                "found no program cdb; expected that of tinycdb: apt install tinycdb"
            ) from None
        except subprocess.CalledProcessError as error:
            raise DarbanError(f"cdb: {error.stderr.decode(errors='replace')}") from None
        return path.read_bytes()
