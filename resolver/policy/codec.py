"""Convert dataclasses to JSON values and back, by their type hints.

Snapshots use it; only this program writes and reads them. Octets become hexadecimal text, tuples
become lists, dataclasses and named tuples become lists in the order of their fields. A snapshot of
an earlier release has fewer fields: so a new field is the last of its class and has a default.
"""

import dataclasses
import functools
import types
from collections.abc import Iterator
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: object) -> object:
    """Convert a value to one that JSON can hold."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [encode(each) for each in value]
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return [encode(getattr(value, field.name)) for field in fields]
    return value


def decode(kind: type[T], plain: Any) -> T:  # noqa: ANN401 - JSON has any shape
    """Convert back what ``encode`` made of a value of this type."""
    decoded: Any = _reader(kind)(plain)  # type: ignore[arg-type] # a type can be hashed
    return decoded  # type: ignore[no-any-return]


@functools.cache
def _reader(kind: Any) -> Any:  # noqa: ANN401 - a type in, a function out
    """A function that reads values of this type. It is made once."""
    if kind is bytes:
        return bytes.fromhex
    if get_origin(kind) is tuple:
        each = _reader(get_args(kind)[0])
        return lambda plain: tuple([each(value) for value in plain])
    if get_origin(kind) is types.UnionType:
        (some,) = (arg for arg in get_args(kind) if arg is not types.NoneType)
        read = _reader(some)
        return lambda plain: None if plain is None else read(plain)
    if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
        readers = [_reader(hint) for hint in get_type_hints(kind).values()]
        return lambda plain: kind(*[read(value) for read, value in _pairs(readers, plain)])
    return lambda plain: plain


def _pairs(readers: list[Any], plain: list[Any]) -> Iterator[tuple[Any, Any]]:
    if len(plain) > len(readers):
        raise ValueError(f"{len(plain)} fields where at most {len(readers)} are known")
    return zip(readers, plain, strict=False)
