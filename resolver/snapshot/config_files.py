"""Where the texts of a config come from: the disk, or the texts of an earlier activation."""

import difflib
import errno
import os
from collections.abc import Mapping
from pathlib import Path

Texts = Mapping[str, str]
"""The files of a config by their paths, relative to its folder: config.toml, then its includes."""

_LONGEST_DIFF = 64 << 10
_CUT = "... (the difference is longer)\n"


class DiskFiles:
    """The files on disk; remembers the texts that were read."""

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        """``instead`` has texts that are read instead of the files at these paths."""
        self._texts: dict[str, str] = {}
        self._instead = instead or {}

    def read(self, path: str) -> str:
        """The text of a file; OSError or UnicodeDecodeError where it cannot be read."""
        text = self._instead.get(path)
        # as octets: the text that is kept and compared has the line ends of the file
        self._texts[path] = Path(path).read_bytes().decode() if text is None else text
        return self._texts[path]

    def glob(self, pattern: str) -> list[str]:
        """The paths of the files that match, sorted."""
        base = Path(pattern).anchor or "."
        relative = Path(pattern).relative_to(base) if Path(pattern).is_absolute() else pattern
        return sorted(str(path) for path in Path(base).glob(str(relative)))

    def texts(self, base: Path) -> dict[str, str]:
        """The texts that were read, by their paths relative to a directory."""
        return {os.path.relpath(path, base): text for path, text in self._texts.items()}


class SavedFiles:
    """The files of a config as they were, whatever is on disk now."""

    def __init__(self, base: Path, texts: Texts) -> None:
        """``texts`` are by their paths relative to ``base``, the config's directory."""
        self._texts = dict(texts)
        self._by_path = {os.path.normpath(base / file): text for file, text in texts.items()}

    def read(self, path: str) -> str:
        """The text of a file; OSError where the config had no such file."""
        try:
            return self._by_path[os.path.normpath(path)]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None

    def glob(self, _: str) -> list[str]:
        """All files, in the order in which they were read; each is included once."""
        return list(self._by_path)

    def texts(self, _: Path) -> dict[str, str]:
        """The texts, by their relative paths."""
        return self._texts


def difference(before: Texts, after: Texts) -> str:
    """The unified difference of two configs, file by file, cut to what a line may hold."""
    lines = [
        line if line.endswith("\n") else f"{line}\n"
        for file in dict.fromkeys([*before, *after])
        for line in difflib.unified_diff(
            before.get(file, "").splitlines(keepends=True),
            after.get(file, "").splitlines(keepends=True),
            file,
            file,
        )
    ]
    text = "".join(lines)
    return text if len(text) <= _LONGEST_DIFF else text[:_LONGEST_DIFF].rpartition("\n")[0] + _CUT
