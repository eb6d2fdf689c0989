"""``darban reload FILE``: put a file in the place of the config, and in force."""

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resolver import DarbanError
from resolver.analysis.diff_text import headline
from resolver.analysis.name_changes import NameChange
from resolver.cli.activation import activate, content_of, kept, texts_as
from resolver.cli.command import echo, print_json
from resolver.cli.policies import compile_shown
from resolver.cli.server import policy_in_force, reload_text
from resolver.compiler.compilation_result import Rejected
from resolver.metrics.part import Answer
from resolver.snapshot.config_files import DiskFiles
from resolver.system import child_process


def reload_from(new: Path, path: Path, *, accept: bool, as_json: bool) -> int:
    """Put a file in the place of the config, and both in force or neither."""
    if new.resolve() == path.resolve():
        raise DarbanError(f"{new} is the config itself; 'darban reload' puts it in force")
    if new.parent.resolve() != path.parent.resolve():
        raise DarbanError(
            f"{new} is not beside {path}, so the relative paths in it would mean other files "
            f"there; copy it to {path.parent}"
        )
    in_force, files = policy_in_force(path), DiskFiles(new)
    try:
        compile_shown(new, time.time(), files).check()
    except Rejected as error:
        raise Rejected([*error.report, f"{path} is as it was"], error.code) from None
    texts = texts_as(path, files.texts(path.parent))
    compared = _diff(new, path)
    if compared.returncode > 1:
        return compared.returncode
    diff = json.loads(compared.stdout)
    if not as_json:
        echo(_headline(diff))
    before = content_of(path, path.name)
    if before is None:
        raise DarbanError(f"{path} does not exist; copy {new} to it, then run 'darban reload'")
    answer = activate(path, texts, "reload", in_force.snapshot, keep=True, accept=accept)
    old_file = kept(str(path)) if content_of(path, path.name) != before else None
    if as_json:
        print_json({**answer, "diff": diff, "kept": old_file})
    else:
        echo(reload_text(path, answer))
        echo(_file_text(path, new, answer, old_file))
        sources = in_force.sources
        if old_file and sources and sources.texts.get(path.name) != before.decode(errors="replace"):
            echo(f"{old_file} has an edit that was never in force, and {path} does not have it")
    return int(answer["code"])


def _diff(new: Path, path: Path) -> subprocess.CompletedProcess[bytes]:
    """What a file changes, in a process of its own: as root, ``diff`` gives up its rights."""
    command = child_process.command("resolver", "diff", str(new), "--config", str(path), "--json")
    environment = child_process.environment()
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)


def _headline(diff: Mapping[str, Any]) -> str:
    """What changes, in a line: ``darban diff`` has shown all of it."""
    of_names = [NameChange(**change) for change in diff["names"]]
    moved = diff["prefixes_not_compared"]
    return headline(diff["old"], diff["new"], len(diff["changes"]), of_names, moved)


def _file_text(path: Path, new: Path, answer: Answer, old_file: str | None) -> str:
    """What has become of the config's file."""
    if old_file is not None:
        return f"{path} has the text of {new}, which may be removed; the one before is {old_file}"
    if answer["result"] == "needs_restart":
        return f"{path} is as it was; to restart with {new}, put it in the place of {path} yourself"
    return f"{path} has the text of {new} already" if answer["ok"] else f"{path} is as it was"
