"""Where the texts of a config come from: the disk, or the texts of an earlier activation."""

import contextlib
import difflib
import errno
import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.snapshot import store
from resolver.snapshot.state_owner import as_owner
from resolver.system.regular_files import read_regular

Texts = Mapping[str, str]
"""The files of a config by their paths, relative to its folder: config.toml, then its includes."""


@dataclass(frozen=True, slots=True)
class SourceTexts:
    """The texts of a config that is, or is to be, in force, whatever is on disk."""

    texts: Texts = field(default_factory=dict)
    lists: Mapping[str, str] | None = None
    """The SHA-256 of each list that is not fetched, by its file; None where any content will do."""
    fetched: Mapping[str, str] = field(default_factory=dict)
    """The SHA-256 of the copy of each fetched list, by its name."""
    any_shipped: bool = False
    """Whether the lists of the release may be other ones, since a command replaces them."""


PULLED_POLICY = "policy"
"""In the state directory: a link to the files of the policy from git that is in force."""
_LONGEST_FILE = 16 << 20
_LONGEST_DIFF = 64 << 10
_CUT = "... (the difference is longer)\n"


def pulled_config(config: Path) -> Path:
    """The config.toml of the policy that a config's server has pulled."""
    return store.directory(config).absolute() / PULLED_POLICY / "config.toml"


def is_pulled(config: Path, file: str) -> bool:
    """Whether a file, relative to the config's folder, is one of the policy that was pulled."""
    directory = pulled_config(config).parent
    places = (directory, os.path.relpath(directory, config.parent))
    return any(Path(file).is_relative_to(place) for place in places)


def without_pulled(config: Path, texts: Texts) -> dict[str, str]:
    """The texts of the server's own files."""
    return {file: text for file, text in texts.items() if not is_pulled(config, file)}


def read_file(config: Path, path: Path, longest: int = MAX_LIST_BYTES) -> bytes:
    """The content of a file of a config, or of a list; OSError where it cannot be read.

    It is read as the config's server reads it: root has no other rights meanwhile. Those who may
    write a config, and the service's user who has the policy from git, may not read for root.
    """
    with as_owner(store.directory(config)):
        return read_regular(path, longest)


class DiskFiles:
    """The files of a config on disk; remembers the texts that were read."""

    def __init__(self, config: Path, instead: Mapping[str, str] | None = None) -> None:
        """``instead`` has texts that are read instead of the files at these paths."""
        self._config = config
        self._texts: dict[str, str] = {}
        self._instead = instead or {}

    def read(self, path: str) -> str:
        """The text of a file; OSError or UnicodeDecodeError where it cannot be read."""
        text = self._instead.get(path)
        # as octets: the text that is kept and compared has the line ends of the file
        if text is None:
            text = read_file(self._config, Path(path), _LONGEST_FILE).decode()
        self._texts[path] = text
        return text

    def glob(self, pattern: str) -> list[str]:
        """The paths of the files that match, sorted; an invalid pattern matches none.

        OSError where a directory cannot be read in which a file could match, and for what is
        neither a file nor a directory: to read a pipe would hold up every later reload.
        """
        with as_owner(store.directory(self._config)):
            try:
                _check_directories(pattern)
                paths = sorted(map(Path, _glob(pattern)))
            except ValueError:  # it has a NUL
                return []
            for path in paths:
                if path.exists() and not (path.is_file() or path.is_dir()):
                    raise OSError(errno.EINVAL, "it is no regular file", str(path))
            return list(map(str, paths))

    def pulled(self, path: str) -> str:
        """The path of the config.toml that was pulled."""
        return str(pulled_config(Path(path)))

    def texts(self, base: Path) -> dict[str, str]:
        """The texts that were read, by their paths relative to a directory."""
        return {os.path.relpath(path, base): text for path, text in self._texts.items()}


def _glob(pattern: str) -> list[str]:
    # Path.glob raises for many patterns
    return glob.glob(pattern, recursive=True, include_hidden=True)  # noqa: PTH207


def _check_directories(pattern: str) -> None:
    """OSError where a directory that a pattern leads to cannot be read; glob takes it for empty."""
    parts = Path.cwd().joinpath(pattern).parts
    if parts[-1] == "**":
        parts += ("*",)
    for end in range(1, len(parts)):
        for directory in map(Path, _glob(f"{Path(*parts[:end])}/")):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                if glob.has_magic(parts[end]):
                    next(directory.iterdir(), None)
                else:
                    (directory / parts[end]).lstat()


class SavedFiles:
    """The files of a config as they were, whatever is on disk now.

    The policy that was pulled is read from disk, unless its text is given.
    """

    def __init__(self, config: Path, texts: Texts) -> None:
        """``texts`` are by their paths relative to the directory of ``config``."""
        self._texts = dict(texts)
        self._config = config
        self._pulled = pulled_config(config)
        self._pulled_key = os.path.relpath(self._pulled, config.parent)
        self._by_path = {
            os.path.normpath(config.parent / file): text
            for file, text in texts.items()
            if file != self._pulled_key
        }

    def read(self, path: str) -> str:
        """The text of a file; OSError where the config had no such file."""
        if path == str(self._pulled):
            if self._pulled_key not in self._texts:
                content = read_file(self._config, self._pulled, _LONGEST_FILE)
                self._texts[self._pulled_key] = content.decode()
            return self._texts[self._pulled_key]
        try:
            return self._by_path[os.path.normpath(path)]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None

    def glob(self, _: str) -> list[str]:
        """All own files, in the order in which they were read; each is included once."""
        return list(self._by_path)

    def pulled(self, _: str) -> str:
        """The path of the config.toml that was pulled."""
        return str(self._pulled)

    def texts(self, _: Path) -> dict[str, str]:
        """The texts, by their relative paths."""
        return self._texts


def differing(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """The files that only one of the two has, or whose texts or hashes differ."""
    return (path for path in dict.fromkeys([*before, *now]) if before.get(path) != now.get(path))


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


def changed_lines(diff: str) -> list[str]:
    """The lines that a unified difference adds (+) or removes (-)."""
    return [
        line
        for line in diff.splitlines()
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
    ]


def counted_lines(diff: str) -> tuple[int, int]:
    """How many lines a unified difference adds, and how many it removes."""
    signs = [line[0] for line in changed_lines(diff)]
    return signs.count("+"), signs.count("-")
