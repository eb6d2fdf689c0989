"""The state directory: snapshots by their hash, the last good one, the control socket.

A snapshot is written aside and renamed into place, so that a reader finds all of it or
nothing. One that is there is kept as it is, unless it was harmed meanwhile.
"""

import mmap
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from resolver.errors import DarbanError
from resolver.files import rename_synced, write_atomically
from resolver.policy.compiled import Snapshot, Terms, content_hash, read_terms
from resolver.policy.index import Index

_SYSTEM_CONFIG = Path("/etc/darban")
_SYSTEM_STATE = Path("/var/lib/darban")
_KEPT = 8
"""Snapshots kept besides the one in force."""
_TERMS, _TRIE, _RULES = "terms.json", "index.trie", "index.rules"
_LAST_GOOD = "last-good"


class StateError(DarbanError):
    """The state directory cannot be used; the message says what to do."""


def directory(config: Path) -> Path:
    """Where the state of a config's server is kept.

    What systemd gives, else /var/lib/darban for a config below /etc/darban, else a
    directory ``.darban`` beside the config.
    """
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.partition(":")[0])
    config = config.resolve()
    return _SYSTEM_STATE if config.is_relative_to(_SYSTEM_CONFIG) else config.parent / ".darban"


def save(state: Path, snapshot: Snapshot) -> Path:
    """Write a snapshot, unless it is there, whole; where it is.

    Raises:
        StateError: the directory cannot be written to.
    """
    place = state / "snapshots" / snapshot.hash()
    content = {_TERMS: snapshot.document(), _TRIE: snapshot.trie, _RULES: snapshot.rules}
    try:
        _put(place, content)
    except OSError as error:
        raise _unwritable(state, error) from None
    return place


class PinnedSnapshot:
    """A saved snapshot that stays at hand though its files should be removed."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._content = {file: _mapped(place / file) for file in (_TERMS, _TRIE, _RULES)}

    def restore(self) -> None:
        """Write what is missing of it; OSError where that cannot be done."""
        if not self.place.is_dir():
            _put(self.place, {file: octets[:] for file, octets in self._content.items()})


def prune(in_force: Path) -> None:
    """Remove all saved snapshots but the one in force, the last good one, and a few more."""
    kept = (in_force.name, (in_force.parent.parent / _LAST_GOOD).resolve().name)
    saved = [path for path in in_force.parent.iterdir() if path.name not in kept]
    saved.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in saved[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _put(place: Path, content: Mapping[str, bytes]) -> None:
    if _holds(place, content):
        os.utime(place)  # it is in use again
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        for file, octets in content.items():
            write_atomically(aside / file, octets)
        shutil.rmtree(place, ignore_errors=True)  # what was harmed; who maps it keeps it
        rename_synced(aside, place)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        if not _holds(place, content):  # another process may have put it there meanwhile
            raise


def _holds(place: Path, content: Mapping[str, bytes]) -> bool:
    try:
        return all((place / file).read_bytes() == octets for file, octets in content.items())
    except (FileNotFoundError, NotADirectoryError):
        return False


def _unwritable(state: Path, error: OSError) -> StateError:
    return StateError(
        f"{state}: the state directory cannot be written to ({error.strerror}); "
        "make room or make it writable, or set STATE_DIRECTORY to one that is"
    )


def load(place: Path) -> tuple[Terms, Index]:
    """The terms and the index of a saved snapshot; the index stays in its files, mapped.

    Raises:
        StateError: it is not there, or another version has made it.
    """
    try:
        terms = read_terms((place / _TERMS).read_bytes())
        return terms, Index(_mapped(place / _TRIE), _mapped(place / _RULES))
    except OSError as error:
        raise StateError(f"{place}: the snapshot cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, LookupError, RuntimeError) as error:
        raise StateError(
            f"{place}: the snapshot cannot be understood ({error}); it was harmed, or made by "
            "another version"
        ) from None


def verify(place: Path) -> None:
    """See that a saved snapshot is whole: it is named by its content.

    Raises:
        StateError: it is not.
    """
    try:
        content = [(place / file).read_bytes() for file in (_TERMS, _TRIE, _RULES)]
    except OSError as error:
        raise StateError(f"{place}: the snapshot cannot be read ({error.strerror})") from None
    if content_hash(*content) != place.name:
        raise StateError(f"{place}: the snapshot was harmed; its name does not fit its content")


def remember_good(place: Path) -> None:
    """Note that a saved snapshot has served well: ``last_good`` names it from now on."""
    state = place.parent.parent
    aside = state / f".{_LAST_GOOD}-{os.getpid()}"
    aside.unlink(missing_ok=True)
    aside.symlink_to(place.relative_to(state))
    rename_synced(aside, state / _LAST_GOOD)


def last_good(state: Path) -> Path:
    """The snapshot that was in force last, whole.

    Raises:
        StateError: there is none, or it was harmed.
    """
    try:
        place = (state / _LAST_GOOD).resolve(strict=True)
    except OSError:
        raise StateError(f"{state}: no snapshot has been in force that could be served") from None
    verify(place)
    return place


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def control_socket(state: Path) -> Path:
    """Where the server of this state listens for commands."""
    return state / "control.sock"
