"""``darban lists update --from DIR`` and ``--shipped``: other lists in the place of a release's."""

from pathlib import Path
from typing import Final

from resolver import DarbanError
from resolver.cli.command import echo
from resolver.cli.server import PATIENCE, RELOADED, answer_text, ask
from resolver.config.load import load
from resolver.lists.manifest import MANIFEST, InvalidManifest
from resolver.snapshot import store
from resolver.snapshot.config_files import DiskFiles
from resolver.snapshot.list_directory import read_files
from resolver.snapshot.shipped_lists import (
    INSTALLED_LISTS,
    Note,
    ShippedLists,
    is_shipped,
)
from resolver.snapshot.state_owner import as_owner

_RESULTS: Final = {
    **RELOADED,
    "not_accepted": "not accepted; the lists in force stay",
}


def replace_lists(path: Path, directory: Path | None, *, accept: bool) -> int:
    """Put the lists of a directory in force, or with None those of the release again.

    By the server: it alone compares with what is in force, and records who did it.
    """
    config = load(str(path), DiskFiles(path)).config
    if not any(is_shipped(path.parent / name) for name in config.lists.directories):
        raise DarbanError(
            f"{path}: [lists] directories does not name the lists of the release, such as "
            f"{INSTALLED_LISTS}: there is nothing to replace"
        )
    state = store.directory(path)
    name = "" if directory is None else _stored(state, directory)
    answer = ask(path, "replace-lists", PATIENCE, name=name, accept=accept)
    echo(answer_text(path, answer, _RESULTS))
    return int(answer["code"])


def _stored(state: Path, directory: Path) -> str:
    """Store the files of a directory where the server reads them; the name that they have there."""
    try:
        contents = read_files(directory)
        if MANIFEST not in contents:
            raise DarbanError(f"{directory}: there is no {MANIFEST}; see 'darban lists manifest'")
        with as_owner(state):
            return ShippedLists(state).keep(contents)
    except OSError as error:
        raise DarbanError(f"{error.filename or directory}: {error.strerror}") from None


def shown_release(state: Path) -> dict[str, object]:
    """Which lists are read where the config names those of the release."""
    lists = ShippedLists(state)
    if not lists.replaced:
        return {"from_medium": False}
    note = lists.note()
    shown: dict[str, object] = {"from_medium": True, "signer": note.signer}
    try:
        manifest = lists.manifest()
    except (OSError, InvalidManifest) as error:
        return {**shown, "problem": str(error)}
    return {**shown, "serial": manifest.serial, "expires": manifest.expires.isoformat()}


def release_line(shown: dict[str, object]) -> str:
    """The same in words; empty where the lists of the release are read."""
    if not shown["from_medium"]:
        return ""
    if problem := shown.get("problem"):
        return f"lists from a medium: {problem}"
    signed = Note(str(shown["signer"])).signed
    return f"lists from a medium: serial {shown['serial']}, until {shown['expires']}, {signed}"
