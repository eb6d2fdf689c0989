"""Values that a release has stored as JSON, and an earlier or a later one reads."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def read_fields(kind: type[T], plain: Mapping[str, Any]) -> T:
    """The dataclass of an object's known fields; what a later release has added is left out.

    Raises:
        TypeError: it lacks a field that has no default.
        AttributeError: it is no object.
    """
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type] # it is a dataclass
    return kind(**{key: value for key, value in plain.items() if key in known})
