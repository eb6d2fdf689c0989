"""Convert dataclasses to JSON values and back, by their type hints.

Snapshots use it; only this program writes and reads them. Octets become hexadecimal text, tuples
become lists, also named ones, and a dataclass becomes an object with the names of its fields: so
the order of its fields does not count. A snapshot of an earlier release has fewer fields: so a new
field has a default. Before form 2, a dataclass became a list, too (``snapshot.form_1``).
"""

import dataclasses
import functools
import types
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
_STORED_AS: Final = "stored as"
"""The key of a field's name in snapshots, where it is another one than in the program."""
_CLASS: Final = "is"
"""The key of the class of a ``Variant``."""


class Variant:
    """One of several classes that a field may hold: it is stored with the name of its class."""

    __slots__ = ()
    STORED_AS = ""
    """The name by which it is stored, where the class had another one in an earlier release."""


def stored_as(name: str) -> dict[str, str]:
    """The metadata of a field that had this name in an earlier release."""
    return {_STORED_AS: name}


def stored_names(of: "DataclassInstance | type[DataclassInstance]") -> dict[str, str]:
    """The names of the fields of a dataclass in snapshots, by their names in the program."""
    fields = dataclasses.fields(of)
    return {field.name: field.metadata.get(_STORED_AS, field.name) for field in fields}


def _name(kind: type) -> str:
    """The name by which a variant is stored."""
    return kind.STORED_AS or kind.__name__ if issubclass(kind, Variant) else kind.__name__


def encode(value: object) -> object:
    """Convert a value to one that JSON can hold."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if dataclasses.is_dataclass(value):
        names = stored_names(value).items()
        plain = {stored: encode(getattr(value, name)) for name, stored in names}
        return {_CLASS: _name(type(value)), **plain} if isinstance(value, Variant) else plain
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
        read = _reader(get_args(kind)[0])
        return lambda plain: tuple([read(value) for value in plain])
    if get_origin(kind) is types.UnionType:
        return _reader_of_any([arg for arg in get_args(kind) if arg is not types.NoneType])
    if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
        stored = stored_names(kind) if dataclasses.is_dataclass(kind) else {}
        hints = get_type_hints(kind).items()
        readers = {stored.get(name, name): (name, _reader(hint)) for name, hint in hints}
        return lambda plain: kind(**dict(_read(readers, plain)))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return lambda plain: plain


def _reader_of_any(kinds: list[Any]) -> Any:  # noqa: ANN401 - a type in, a function out
    """A function that reads None and values of some types, of which several are variants."""
    if len(kinds) == 1:
        read = _reader(kinds[0])
        return lambda plain: None if plain is None else read(plain)
    by_class = {_name(kind): _reader(kind) for kind in kinds}

    def read_variant(plain: dict[str, Any]) -> Any:  # noqa: ANN401
        fields = dict(plain)
        return by_class[fields.pop(_CLASS)](fields)

    return read_variant


def _read(
    readers: dict[str, tuple[str, Any]],
    plain: Any,  # noqa: ANN401
) -> Iterator[tuple[str, Any]]:
    """The fields of a stored object, or of a list in the order of the fields."""
    stored: Iterator[tuple[str, Any]]
    if isinstance(plain, dict):
        if unknown := plain.keys() - readers.keys():
            raise ValueError(f"fields that are not known: {', '.join(sorted(unknown))}")
        stored = iter(plain.items())
    else:
        if len(plain) > len(readers):
            raise ValueError(f"{len(plain)} fields where at most {len(readers)} are known")
        stored = zip(readers, plain, strict=False)
    for key, value in stored:
        name, read = readers[key]
        yield name, read(value)
