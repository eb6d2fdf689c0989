"""A directory of lists with a manifest, as its publisher has it or as it is on a medium."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from resolver import DarbanError
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.lists.manifest import MANIFEST, SIGNATURE
from resolver.system.regular_files import read_regular

_MOST_FILES: Final = 1000


class TooMuch(DarbanError):
    """A directory that holds more than lists do."""


def read_files(directory: Path) -> dict[str, bytes]:
    """The files of a directory of lists, by name, without hidden ones and folders.

    No link is followed: who has made the medium must not choose what of this host is copied.

    Raises:
        OSError: one cannot be read, or is a link.
        TooMuch: there are more files, or more octets, than lists have.
    """
    contents: dict[str, bytes] = {}
    octets = 0
    for path in sorted(directory.iterdir()):
        if path.name.startswith(".") or (path.is_dir() and not path.is_symlink()):
            continue
        contents[path.name] = read_regular(path, MAX_LIST_BYTES, follow_link=False)
        octets += len(contents[path.name])
        if len(contents) > _MOST_FILES or octets > MAX_LIST_BYTES:
            most = f"{_MOST_FILES:,} files and {MAX_LIST_BYTES >> 20} MiB"
            raise TooMuch(f"{directory}: more than lists have, which is {most} at most")
    return contents


def hashes(contents: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each file that a manifest names."""
    return {
        name: hashlib.sha256(content).hexdigest()
        for name, content in contents.items()
        if name not in (MANIFEST, SIGNATURE)
    }
