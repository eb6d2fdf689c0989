"""The JSON Schema of config.toml takes what the program takes, and finds keys and types."""

import datetime as dt
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.config.wrong_configs import MARK, WRONG

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "deploy/schemas/config.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOOD = ("config.toml", "deploy/agency.toml", "deploy/reference.toml")
_TYPE = re.compile(
    r"found (?!an array with|\d{4}-)(?:an unknown key|.*; expected (?:a whole number|an array|"
    r"a table|a text in quotes|one line of text|true or false))"
)
"""What a schema can find, in the words of the program. Editors give it dates as texts."""


def _json(value: Any) -> Any:  # noqa: ANN401 - as TOML has it
    """As editors give TOML to a schema: dates and times are texts."""
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def _wrong(text: str) -> set[str]:
    """The places of everything that is wrong, as the program writes them."""
    found = set()
    for error in VALIDATOR.iter_errors(_json(tomllib.loads(text))):
        path = [str(item) for item in error.absolute_path]
        if error.validator in ("additionalProperties", "unevaluatedProperties"):
            keys = set(error.instance) - set(error.schema.get("properties", ()))
            found |= {".".join([*path, key]) for key in keys}
        else:
            found.add(".".join(path))
    return found


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_config_is_valid(name: str) -> None:
    assert _wrong((ROOT / name).read_text(encoding="utf-8")) == set()


def _expected(text: str) -> set[str]:
    """The places of the unknown keys and the wrong types that the program finds."""
    lines = [line for line in text.splitlines() if line.startswith(MARK) and _TYPE.search(line)]
    places = [re.sub(r"^#! [\w.]+:\d+: ", "", line).partition(": found ")[0] for line in lines]
    return {place.replace("[", ".").replace("]", "").replace('"', "") for place in places}


WITH_KEYS_OR_TYPES = {
    path.stem: found for path in WRONG if (found := _expected(path.read_text(encoding="utf-8")))
}


def test_there_are_enough_wrong_ones() -> None:
    assert len(WITH_KEYS_OR_TYPES) > 10


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_each_unknown_key_and_wrong_type_is_found(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    wrong = _wrong(text)
    assert [item for item in _expected(text) if not _is_found(item, wrong)] == []


def _is_found(place: str, wrong: set[str]) -> bool:
    """Whether a place is wrong, or a table that it is in: a schema does not look into that."""
    return any(place == text or place.startswith(f"{text}.") for text in wrong - {""})
