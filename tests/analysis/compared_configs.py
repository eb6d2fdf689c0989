"""What changes for all names from one config to another."""

from resolver.analysis.changes import ComparedPolicy
from resolver.analysis.name_changes import NameChange, compare_names
from resolver.snapshot.snapshot import Snapshot
from tests.analysis.random_policies import (
    LISTS,
    WALL,
)
from tests.compiler.texts import compile_texts


def side(snapshot: Snapshot) -> ComparedPolicy:
    return ComparedPolicy("", snapshot.compiled, snapshot.index(), None)


def changes(old: str, new: str, lists: dict[str, str] | None = None) -> list[NameChange]:
    before = side(compile_texts(old, LISTS))
    return compare_names(before, side(compile_texts(new, lists or LISTS)), WALL)
