"""The base of all sections of config.toml, and the arrays in them.

A start must be quick: pydantic builds the validators when the first config is read, and a key's
docstring is read from the source when an error shows it. Sections that are defaults of others
are made by ``model_construct``, since a section's own validator is then never built.
"""

import ast
import inspect
from itertools import pairwise
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

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
        owner = next(each for each in cls.__mro__ if name in inspect.get_annotations(each))
        (section,) = ast.parse(inspect.getsource(owner)).body
        assert isinstance(section, ast.ClassDef)
        for statement, below in pairwise(section.body):
            match statement, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=found)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ) if found == name:
                    return text
        raise LookupError(f"no docstring is below {cls.__name__}.{name}")
