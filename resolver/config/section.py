"""The base of all sections of config.toml, and the arrays in them."""

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
        use_attribute_docstrings=True,
    )

    @classmethod
    def keys(cls) -> dict[str, FieldInfo]:
        """The fields by their keys in TOML; a key such as ``from`` is no name in Python."""
        return {field.alias or name: field for name, field in cls.model_fields.items()}
