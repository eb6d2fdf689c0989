"""The JSON Schema of config.toml, made from its sections.

It has every key, with its description, and the types and the forms of values. What takes several
keys to see, and what a name means, only `darban check` finds.
"""

from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from resolver.config.model import Config
from resolver.config.section import ConfigSection
from resolver.config.values import TextReader


class _Generator(GenerateJsonSchema):
    """Of TOML: defaults are left out, since they are no TOML, and there is no null."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def function_plain_schema(
        self, schema: core_schema.PlainValidatorFunctionSchema
    ) -> JsonSchemaValue:
        read = schema["function"]["function"]
        if isinstance(read, TextReader) and read.pattern:
            return {"type": "string", "pattern": f"^(?:{read.pattern})$"}
        return {"type": "string"}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        if "patternProperties" in found:
            found["additionalProperties"] = False
        return found


def config_schema() -> dict[str, Any]:
    """The schema, as a JSON object."""
    made = Config.model_json_schema(schema_generator=_Generator)
    sections = {subclass.__name__: subclass for subclass in _subclasses(ConfigSection)}
    for name, of_section in ((Config.__name__, made), *made["$defs"].items()):
        of_section.pop("title")
        for key, of_key in of_section["properties"].items():
            of_key.pop("title", None)
            of_key["description"] = sections[name].describe(key)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "config.toml of Darban",
        **made,
    }


def _subclasses(section: type[ConfigSection]) -> Iterator[type[ConfigSection]]:
    for subclass in section.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
