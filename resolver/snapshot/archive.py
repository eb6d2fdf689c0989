"""Texts that were in force, compressed, each once, by the hash of its content.

The archive is bounded: where a new text exceeds the bound, those that were in force least recently
are removed. Their files' times say when: a text is kept again at each activation.
"""

import gzip
import os
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Final

from resolver.system.files import make_directory, write_atomically
from resolver.system.regular_files import read_regular

_LONGEST: Final = 4 << 20
_MOST: Final = 128 << 20
_COMPRESSED: Final = ".gz"
_LEVEL: Final = 6
_GZIP: Final = 31
"""The form that zlib reads."""


class Archive:
    """A directory of texts."""

    def __init__(self, directory: Path, most: int = _MOST) -> None:
        """``most`` is how many octets the files take on disk, without that of the last text."""
        self._directory = directory
        self._most = most

    def mark_used(self, name: str) -> bool:
        """Note that a text is in force again; whether it is kept. OSError where that fails."""
        for path in self._files(name):
            try:
                os.utime(path)
            except FileNotFoundError:
                continue
            return True
        return False

    def names(self) -> set[str]:
        """Of which texts there is a file, also a damaged one."""
        return {path.name.removesuffix(_COMPRESSED) for path in self._directory.glob("*")}

    def holds(self, name: str) -> bool:
        """Whether there is a file of a text, also a damaged one."""
        return any(os.path.lexists(path) for path in self._files(name))

    def keep(self, name: str, content: bytes) -> None:
        """Keep a text that is not too long; OSError where that fails."""
        if len(content) > _LONGEST or self.mark_used(name):
            return
        make_directory(self._directory)
        remove_oldest(self._directory, self._most)
        write_atomically(self._files(name)[0], gzip.compress(content, _LEVEL, mtime=0))

    def content(self, name: str) -> bytes | None:
        """A text; None where it is not kept, or damaged."""
        compressed, plain = self._files(name)
        try:
            unpacking = zlib.decompressobj(_GZIP)
            content = unpacking.decompress(read_regular(compressed, 2 * _LONGEST), _LONGEST)
            return content if unpacking.eof else None
        except (zlib.error, ValueError):
            return None
        except FileNotFoundError:
            pass
        except OSError:
            return None
        try:
            return read_regular(plain, _LONGEST)
        except OSError:
            return None

    def _files(self, name: str) -> tuple[Path, Path]:
        """The file of a text, and the one that an earlier release has made of it."""
        return self._directory / (name + _COMPRESSED), self._directory / name


def remove_oldest(directory: Path, most: int, besides: Collection[str] = ()) -> None:
    """Remove files until the others of a directory take no more than ``most`` octets on disk.

    Those that were used least recently go first; a file's time says when it was used. The files
    named in ``besides`` stay, and do not count. Raises OSError.
    """
    files = [
        (file.stat(follow_symlinks=False), file.path)
        for file in os.scandir(directory)
        if file.name not in besides
    ]
    left = most
    for status, path in sorted(files, key=lambda file: file[0].st_mtime, reverse=True):
        left -= status.st_blocks * 512
        if left < 0:
            Path(path).unlink(missing_ok=True)
