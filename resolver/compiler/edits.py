"""Edits of a config on disk that nobody has reloaded, and whether a start would refuse them.

The supervisor runs this module as a program in a child process (``edits_in_child``). Nothing is
saved.
"""

import json
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from resolver.compiler.compilation import CompileResult, compile_file
from resolver.compiler.compilation_result import Edits, Held, Rejected
from resolver.snapshot.config_files import (
    DiskFiles,
    SourceTexts,
    Texts,
    differing,
    is_pulled,
    without_pulled,
)
from resolver.system.child_main import work_once


def edited_files(in_force: Texts, now: Texts) -> Iterator[str]:
    """The files of a config that say something else; comments and layout do not count."""
    return differing(_values(in_force), _values(now))


def _values(texts: Texts) -> dict[str, str]:
    """What each file of a config says, in its order."""
    return {file: _value(text) for file, text in texts.items()}


def _value(text: str) -> str:
    try:
        return repr(tomllib.loads(text))
    except ValueError:  # what is no TOML has no comments
        return text


def unreloaded(config: Path, sources: SourceTexts) -> Edits:
    """The files that differ from what is in force, and why a start would refuse them, if so."""
    files = DiskFiles(config)
    compiled = compile_file(config, time.time(), files)
    now = files.texts(config.parent)
    texts = (without_pulled(config, text) for text in (sources.texts, now))
    edited = [*edited_files(*texts), *_edited_lists(config, compiled, sources.lists or {})]
    return Edits(tuple(edited), tuple(_refusal(compiled)) if edited else ())


def _edited_lists(
    config: Path, compiled: CompileResult, in_force: Mapping[str, str]
) -> Iterator[str]:
    """The agency's own lists that differ; with an error in the config, lists may not be read."""
    now = compiled.own_lists
    for file in differing(in_force, now):
        if not is_pulled(config, file) and (file in now or not compiled.errors):
            yield file


def _refusal(compiled: CompileResult) -> list[str]:
    """Why a start with the last good snapshot would not put it in force."""
    try:
        compiled.check()
        no_longer_blocked = compiled.no_longer_blocked
        if no_longer_blocked is not None and (lost := [*no_longer_blocked.lost(())]):
            raise Held([str(problem) for problem in lost])
    except Rejected as error:
        return error.report
    return []


def _look() -> dict[str, object]:
    """Look at the config on the command line; standard input has ``SourceTexts``."""
    return asdict(unreloaded(Path(sys.argv[1]), SourceTexts(**json.load(sys.stdin))))


if __name__ == "__main__":
    work_once(_look)
