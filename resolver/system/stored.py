"""Values that a release has stored as JSON, and an earlier or a later one reads."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, TypeVar

T = TypeVar("T")
_YEAR_9000: Final = 221_845_392_000


def read_fields(kind: type[T], plain: Mapping[str, Any]) -> T:
    """The dataclass of an object's known fields; what a later release has added is left out.

    Raises:
        TypeError: it lacks a field that has no default.
        AttributeError: it is no object.
    """
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type] # it is a dataclass
    return kind(**{key: value for key, value in plain.items() if key in known})


def is_moment(value: object) -> bool:
    """Whether a value is a time in seconds since 1970 that has a date: before the year 9000."""
    return isinstance(value, int | float) and 0 <= value < _YEAR_9000
