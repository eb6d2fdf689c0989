"""``darban lists update --from DIR`` and ``--shipped``: other lists in the place of a release's."""

import asyncio
import time
from pathlib import Path
from typing import Final

from resolver import DarbanError
from resolver.cli.command import echo
from resolver.cli.policies import compile_shown
from resolver.cli.server import PATIENCE, RELOADED, answer_text, ask
from resolver.compiler.compilation_result import Rejected
from resolver.compiler.settings import compile_settings
from resolver.config.load import load
from resolver.config.model import Config
from resolver.config.problems import problem_lines
from resolver.fetch.lists_release import ReleaseRefused, refuse_older, signers_of, verified
from resolver.lists.manifest import MANIFEST, InvalidManifest
from resolver.metrics.part import Answer
from resolver.snapshot import store
from resolver.snapshot.config_files import DiskFiles
from resolver.snapshot.list_directory import read_files
from resolver.snapshot.shipped_lists import (
    INSTALLED_LISTS,
    Note,
    ShippedLists,
    is_shipped,
    release_hash,
)
from resolver.snapshot.state_owner import as_owner, become_owner
from resolver.supervisor import control_client

_RESULTS: Final = {
    **RELOADED,
    "not_accepted": "not accepted; the lists in force stay",
    "written": "the next start or 'darban reload' puts them in force",
}


def replace_lists(path: Path, directory: Path | None, *, accept: bool) -> int:
    """Put the lists of a directory in force, or with None those of the release again."""
    config = load(str(path), DiskFiles(path)).config
    if not any(is_shipped(path.parent / name) for name in config.lists.directories):
        raise DarbanError(
            f"{path}: [lists] directories does not name the lists of the release, such as "
            f"{INSTALLED_LISTS}: there is nothing to replace"
        )
    state = store.directory(path)
    name = "" if directory is None else _stored(state, directory)
    try:
        answer = ask(path, "replace-lists", PATIENCE, name=name, accept=accept)
    except control_client.Unreachable:
        become_owner(state)
        answer = _without_server(path, config, ShippedLists(state), name)
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


def _without_server(path: Path, config: Config, lists: ShippedLists, name: str) -> Answer:
    """Replace the lists for the next start."""
    before, note, what = lists.linked(), None, "lists of the release"
    try:
        if name:
            signers = signers_of(compile_settings(config, ""), path)
            manifest, signer = asyncio.run(verified(lists.path(name), signers, time.time()))
            refuse_older(lists, manifest)
            note = Note(signer, release_hash())
            what = f"lists: serial {manifest.serial}, {note.signed}"
        lists.switch(name, note)
        compiled = compile_shown(path, time.time())
        compiled.check()
    except BaseException as error:
        lists.switch(before)
        lists.remove_others()
        if isinstance(error, ReleaseRefused | Rejected):
            report = error.report if isinstance(error, Rejected) else [str(error)]
            return {"result": "not_accepted", "report": report, "code": 1}
        raise
    lists.remove_others()
    report = [*problem_lines(compiled.problems), what]
    return {"result": "written", "report": report, "code": 0}


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
    signed = Note(str(shown["signer"])).signed
    if problem := shown.get("problem"):
        return f"lists from a medium, {signed}: {problem}"
    return f"lists from a medium: serial {shown['serial']}, until {shown['expires']}, {signed}"
