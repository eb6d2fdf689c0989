"""The base of all sections of config.toml, and the arrays in them.

An error that takes several values of one section to see is found in the section's class: ``errors``
sees the values that are valid, ``table_errors`` the keys of a table, whatever their values.

A start must be quick: pydantic builds the validators when the first config is read, and a key's
docstring is read from the source when an error shows it. Sections that are defaults of others
are made by ``model_construct``, since a section's own validator is then never built.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from resolver.config.problems import Problem
from resolver.config.provenance import Provenance, items
from resolver.config.toml_lines import Path

T = TypeVar("T")
Several = Annotated[tuple[T, ...], Field(strict=False)]
"""A TOML array. Not strict, since strict takes only tuples; its elements stay strict."""
OneOrMore = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]


class ConfigSection(BaseModel):
    """The base of all sections: exact types, no unknown keys, no change afterwards."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        defer_build=True,
    )

    @classmethod
    def keys(cls) -> dict[str, FieldInfo]:
        """The fields by their keys in TOML; a key such as ``from`` is no name in Python."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    @classmethod
    def describe(cls, key: str) -> str:
        """The docstring below a key."""
        name = next(name for name, field in cls.model_fields.items() if key in (name, field.alias))
        owner = next(base for base in cls.__mro__ if name in inspect.get_annotations(base))
        (section,) = ast.parse(inspect.getsource(owner)).body
        assert isinstance(section, ast.ClassDef)
        for statement, below in pairwise(section.body):
            match statement, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=identifier)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ) if identifier == name:
                    return text
        raise LookupError(f"no docstring is below {cls.__name__}.{name}")

    def errors(self, path: Path, provenance: Provenance) -> Iterator[Problem]:  # noqa: ARG002
        """The errors that take several values of this section to see; ``path`` is its own."""
        return iter(())

    @classmethod
    def table_errors(cls, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:  # noqa: ARG003
        """Keys of a table that exclude each other, or that are missing: found, and expected."""
        return iter(())


def sections(value: object, path: Path = ()) -> Iterator[tuple[Path, ConfigSection]]:
    """Each section of a config, with its path."""
    if isinstance(value, ConfigSection):
        yield path, value
    elif not (isinstance(value, dict) or (isinstance(value, tuple) and _has_sections(value))):
        return
    for key, inner in items(value):
        yield from sections(inner, (*path, key))


def _has_sections(values: tuple[object, ...]) -> bool:
    return bool(values) and isinstance(values[0], ConfigSection)


def tables(
    kind: Any,  # noqa: ANN401 - an annotation
    value: object,
    path: Path = (),
) -> Iterator[tuple[Path, dict[str, object], type[ConfigSection]]]:
    """Each table of a document that is to be a section, with its path and the section's class.

    ``kind`` is what the value is to be: a section, or a table or an array of them.
    """
    if _is_section(kind):
        if isinstance(value, dict):
            yield path, value, kind
            for key, field in kind.keys().items():
                if key in value:
                    yield from tables(field.annotation, value[key], (*path, key))
        return
    inner_kind = next(filter(_is_section, get_args(kind)), None)
    if inner_kind is not None:
        for key, inner in items(value):
            yield from tables(inner_kind, inner, (*path, key))


def _is_section(kind: Any) -> bool:  # noqa: ANN401 - an annotation
    return isinstance(kind, type) and issubclass(kind, ConfigSection)
