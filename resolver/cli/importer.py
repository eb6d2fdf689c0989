"""What reads the settings of another resolver for ``darban init``: the distribution darban-import.

It is found by its entry points in the group ``darban.import``: the name of the program that wrote
the settings, and a function that reads them. Nothing here imports it, and all else works without
it.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from resolver import DarbanError
from resolver.config.first_config import NewConfig, NewVlan

_GROUP = "darban.import"


class Imported(Protocol):
    """The settings of another resolver."""

    @property
    def program(self) -> str:
        """The name of the other resolver."""
        ...

    @property
    def clients(self) -> Sequence[NewVlan]:
        """The clients that it lists."""
        ...

    def text(self, new: NewConfig) -> str:
        """The text of a config that has them, and what the command line says besides."""
        ...

    def notes(self) -> Mapping[str, Sequence[str]]:
        """What came over and what is left, by title, each note in a line of its own."""
        ...


Importer = Callable[[Path, Sequence[Path]], Imported]
"""Reads a file; the directories have the block lists of the new config.

It raises DarbanError where the file cannot be read.
"""


def read_settings(files: Mapping[str, Path | None], lists: Sequence[Path]) -> Imported | None:
    """The settings in the file that the command line names; None where it names none.

    Raises:
        DarbanError: it names two, the file cannot be read, or what reads it is not installed.
    """
    named = [(program, file) for program, file in files.items() if file is not None]
    if len(named) > 1:
        raise DarbanError("say one of " + " and ".join(f"--from-{program}" for program in files))
    for program, file in named:
        return _importer(program)(file, lists)
    return None


def _importer(program: str) -> Importer:
    for entry in entry_points(group=_GROUP, name=program):
        importer: Importer = entry.load()
        return importer
    raise DarbanError(
        f"--from-{program}: the importers, which read such a file, are not installed. Install the "
        "package darban-import: for Debian beside that of Darban, elsewhere its wheel with pip; in "
        "a clone, 'make .venv/run' does"
    )
