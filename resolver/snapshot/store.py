"""The state directory's snapshots, each in a directory named by the hash of its content.

A snapshot is written under a temporary name and renamed, so that a reader finds all of it or
nothing. A snapshot that exists is not written again, unless its files were damaged.
"""

import contextlib
import mmap
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from resolver import DarbanError
from resolver.policy.building import Pause, no_pause, with_pauses
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.snapshot.snapshot import NAME_DIGITS, Snapshot, content_hash, read_compiled_config
from resolver.system.files import atomic_directory, replace_link, write_atomically
from resolver.system.regular_files import read_regular

_SYSTEM_CONFIG = Path("/etc/darban")
SYSTEM_STATE = Path("/var/lib/darban")
"""The state directory of the installed service."""
KEPT: Final = 8
"""Snapshots that are kept besides the one in force and the last good one."""
_TERMS, _TRIE, _RULES = "terms.json", "index.trie", "index.rules"
_INDEX_KEY = "index.key"
"""Beside the index: a hash of what it was made from, and the name of the snapshot. It is no part of
the content."""
_PREFIXES = b'["prefixes"'
"""How the lines of a stored config begin that have its prefixes."""
_LAST_GOOD = "last-good"
_GOOD = "good"
"""In the directory of a snapshot that was in force; its time says when it came in force."""
_LONGEST_KEY = 1024
_UNREADABLE = (ValueError, TypeError, LookupError, RuntimeError, StopIteration)
"""What is raised where another version of Darban wrote a snapshot."""
_HASH = re.compile(r"[0-9a-f]{16}")


class StateError(DarbanError):
    """The state directory cannot be used; the message says what to do."""


class NoLastGood(StateError):
    """No snapshot was in force."""


@dataclass(frozen=True, slots=True)
class LastGood:
    """A snapshot whose content has its hash: to read and to hash it takes a tenth of a second."""

    compiled: CompiledConfig
    """Without its long fields; perhaps with its prefixes."""
    index_key: str
    """What its index was made from; empty where that is not known."""
    index: tuple[bytes, bytes]


def directory(config: Path) -> Path:
    """The state directory of a config's server.

    It is the one that systemd gives; else /var/lib/darban for a config below /etc/darban; else
    ``.darban`` beside the config. A config that is a link does not change that: others may be able
    to make it one, and the state directory decides with whose rights root reads.
    """
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.partition(":")[0])
    folder = config.parent.resolve()
    return SYSTEM_STATE if folder.is_relative_to(_SYSTEM_CONFIG) else folder / ".darban"


def unwritable(state: Path, error: OSError) -> StateError:
    """The error where a state directory cannot be written to."""
    return StateError(
        f"{state}: the state directory cannot be written to ({error.strerror}); "
        "make room or make it writable, or set STATE_DIRECTORY to one that is"
    )


def save(state: Path, snapshot: Snapshot) -> Path:
    """Write a snapshot, unless it exists; returns its directory.

    Raises:
        StateError: the state directory cannot be written to.
    """
    terms = snapshot.document()
    name = content_hash(terms, snapshot.trie, snapshot.rules)[:NAME_DIGITS]
    path = state / "snapshots" / name
    content = {_TERMS: terms, _TRIE: snapshot.trie, _RULES: snapshot.rules}
    try:
        _write(path, content)
    except OSError as error:
        raise unwritable(state, error) from None
    if snapshot.index_key and _index_key(path) != snapshot.index_key:
        with contextlib.suppress(OSError):  # the next compilation makes its index anew
            write_atomically(path / _INDEX_KEY, f"{snapshot.index_key} {path.name}".encode())
    return path


def built_index(state: Path, key: str) -> tuple[bytes, bytes] | None:
    """The index with this key, of a snapshot that is not damaged; None where there is none."""
    with contextlib.suppress(OSError):
        for path in (state / "snapshots").iterdir():
            if _HASH.fullmatch(path.name) and _index_key(path) == key:
                with contextlib.suppress(StateError):
                    _, trie, rules = _verified_content(path)
                    return trie, rules
    return None


def _index_key(path: Path) -> str:
    """What the index of a snapshot was made from; empty where that is not known."""
    try:
        content = read_regular(path / _INDEX_KEY, _LONGEST_KEY).decode("ascii", "replace")
    except OSError:
        return ""
    key, _, snapshot = content.partition(" ")
    return key if snapshot == path.name else ""


def prune(current: Path) -> None:
    """Remove old snapshots: all but the one in force, the last good one, and a few more."""
    needed = (current.name, (current.parent.parent / _LAST_GOOD).resolve().name)
    old = [path for path in current.parent.iterdir() if path.name not in needed]
    old.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in old[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, content: Mapping[str, bytes]) -> None:
    if _holds(path, content):
        with contextlib.suppress(OSError):  # on a disk that is read-only
            os.utime(path)  # ``prune`` removes the oldest
        return
    try:
        with atomic_directory(path) as temporary:  # the group may read it, as for ``explain``
            for file, octets in content.items():
                write_atomically(temporary / file, octets)
            shutil.rmtree(path, ignore_errors=True)  # damaged; where mapped, it stays
    except OSError:
        if not _holds(path, content):  # another process may have written it meanwhile
            raise


def _holds(path: Path, content: Mapping[str, bytes]) -> bool:
    try:
        return all((path / file).read_bytes() == octets for file, octets in content.items())
    except OSError:  # also where the disk is damaged there
        return False


def load(path: Path, pause: Pause = no_pause) -> tuple[CompiledConfig, Index]:
    """The compiled config and the index of a saved snapshot; the files of the index are mapped.

    ``pause`` is called before each line of the config is read.

    Raises:
        StateError: the snapshot does not exist, or another version of Darban wrote it.
    """
    try:
        with (path / _TERMS).open("rb") as lines:
            compiled = read_compiled_config(with_pauses(lines, pause, turn=1))
        return compiled, Index(_mapped(path / _TRIE), _mapped(path / _RULES))
    except OSError as error:
        raise StateError(f"{path}: the snapshot cannot be read ({error.strerror})") from None
    except _UNREADABLE as error:
        raise StateError(
            f"{path}: the snapshot is damaged, or another version of Darban wrote it ({error})"
        ) from None


def mark_good(path: Path) -> None:
    """Make a saved snapshot the one that ``last_good`` returns."""
    replace_link(path.parent.parent / _LAST_GOOD, path)
    (path / _GOOD).touch()


def last_good(state: Path) -> Path:
    """The snapshot that was in force last.

    Raises:
        NoLastGood: there is none.
        StateError: it is damaged.
    """
    return _verified(_last_good_path(state))


def _last_good_path(state: Path) -> Path:
    try:
        return (state / _LAST_GOOD).resolve(strict=True)
    except (OSError, RuntimeError):  # before Python 3.13 a link to itself raises RuntimeError
        raise NoLastGood(f"{state}: there is no last good snapshot to serve") from None


def all_good(state: Path) -> Iterator[Path]:
    """The snapshots that were in force and are not damaged, the last one first."""
    for path in _good_paths(state):
        with contextlib.suppress(StateError):
            yield _verified(path)


def _good_paths(state: Path) -> Iterator[Path]:
    """The snapshots that were in force, also damaged ones, the last one first."""
    with contextlib.suppress(StateError):
        yield _last_good_path(state)
    marks = [*(state / "snapshots").glob(f"*/{_GOOD}")]
    for mark in sorted(marks, key=lambda mark: mark.stat().st_mtime, reverse=True):
        yield mark.parent


def last_good_snapshot(state: Path, *, prefixes: bool = False) -> LastGood | None:
    """The last good snapshot that can be read; None where there is none. No file is mapped.

    With ``prefixes``, it has those of its VLANs.
    """
    for path in _good_paths(state):
        with contextlib.suppress(StateError, *_UNREADABLE):
            terms, trie, rules = _verified_content(path)
            first, *others = terms.split(b"\n")
            wanted = (line for line in others if prefixes and line.startswith(_PREFIXES))
            compiled = read_compiled_config(chain([first], wanted))
            return LastGood(compiled, _index_key(path), (trie, rules))
    return None


def saved(state: Path, hash_: str) -> Path:
    """The snapshot that has this hash, in a state directory.

    Raises:
        StateError: there is none, or it is damaged, or this is no hash.
    """
    if not _HASH.fullmatch(hash_):
        raise StateError(f"{state}: the name of a snapshot is 16 hexadecimal digits, not '{hash_}'")
    return _verified(state / "snapshots" / hash_)


def whole_hash(state: Path, name: str) -> str:
    """The SHA-256 of the content of a saved snapshot; empty where there is none of this name."""
    try:
        return content_hash(*_verified_content(state / "snapshots" / name))
    except StateError:
        return ""


def _verified(path: Path) -> Path:
    """A snapshot whose content has its hash. Its index may be mapped: a damaged one crashes."""
    _verified_content(path)
    return path


def _verified_content(path: Path) -> tuple[bytes, bytes, bytes]:
    """The config and the index of a snapshot whose content has its hash."""
    try:
        terms, trie, rules = ((path / file).read_bytes() for file in (_TERMS, _TRIE, _RULES))
    except OSError as error:
        raise StateError(f"{path}: the snapshot cannot be read ({error.strerror})") from None
    if content_hash(terms, trie, rules)[:NAME_DIGITS] != path.name:
        raise StateError(f"{path}: the snapshot is damaged: its content has another hash")
    return terms, trie, rules


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
