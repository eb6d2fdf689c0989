"""The files that are shipped: config.toml and the reference of every key."""

import tomllib
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import ValidationError

from resolver.config.model import Config, ListSourceConfig, VlanConfig
from resolver.config.section import ConfigSection
from tests.config.files_in_memory import load_text
from tests.config.shipped_files import REFERENCE, SHIPPED

WITHOUT_DEFAULT = {("ExemptionConfig", "prefixes")}
"""Needed unless ``vlan`` is given, so the reference shows it."""


def test_the_shipped_config_has_no_problems() -> None:
    assert load_text(SHIPPED).problems == []


def test_its_commented_examples_have_no_problems_either() -> None:
    lines = SHIPPED.splitlines()
    examples = [line[2:] for line in lines if line.startswith("# ") and _is_toml(line[2:])]
    loaded = load_text(SHIPPED + "\n" + "\n".join(examples))
    assert loaded.problems == []
    assert loaded.config.forward
    assert loaded.config.local
    assert loaded.config.upstreams
    assert loaded.config.exemptions


def _is_toml(line: str) -> bool:
    return line.startswith("[") or " = " in line.split("#")[0].split("(")[0].split(";")[0]


@pytest.mark.parametrize("service", ["telegram", "whatsapp", "viber", "line", "tango"])
def test_it_expects_what_each_directive_says_of_a_service(service: str) -> None:
    expectations = load_text(SHIPPED).config.expect
    blocked = {expectation.name for expectation in expectations if expectation.service == service}
    passed = {expectation.name for expectation in expectations if expectation.outcome == "passed"}
    assert blocked
    assert blocked <= passed


def test_the_reference_has_no_problems() -> None:
    assert load_text(REFERENCE).problems == []


def test_the_reference_shows_the_defaults() -> None:
    config = load_text(REFERENCE).config
    different = {
        (type(section).__name__, name): getattr(section, name)
        for section in _first_of_each(config)
        for name, field in type(section).model_fields.items()
        if not field.is_required()
        and field.default is not None
        and not _holds_sections(field.annotation)
        and not isinstance(field.default, ConfigSection)
        and getattr(section, name) != field.default
    }
    assert set(different) == WITHOUT_DEFAULT


def test_the_reference_shows_every_key() -> None:
    document = tomllib.loads(REFERENCE)
    assert set(document) == set(Config.model_fields)
    for name, field in Config.model_fields.items():
        section = _section_of(field.annotation)
        if section is not None:
            assert _keys(document[name], field.annotation) == set(section.keys()), name


def _first_of_each(config: Config) -> list[ConfigSection]:
    """The whole, and of each section the only one or the first."""
    found: list[ConfigSection] = [config]
    for name in Config.model_fields:
        value = getattr(config, name)
        if isinstance(value, dict):
            value = tuple(value.values())
        if isinstance(value, tuple):
            value = value[0] if value else None
        if isinstance(value, ConfigSection):
            found.append(value)
    return found


def _section_of(annotation: object) -> type[ConfigSection] | None:
    if get_origin(annotation) in (dict, tuple):
        annotation = get_args(annotation)[1 if get_origin(annotation) is dict else 0]
    if isinstance(annotation, type) and issubclass(annotation, ConfigSection):
        return annotation
    return None


def _holds_sections(annotation: object) -> bool:
    return get_origin(annotation) in (dict, tuple) and _section_of(annotation) is not None


def _keys(tables: Any, annotation: object) -> set[str]:  # noqa: ANN401 - as TOML has it
    if get_origin(annotation) is dict:
        tables = list(tables.values())
    listed = tables if isinstance(tables, list) else [tables]
    return {key for table in listed for key in table}


def test_every_key_is_described() -> None:
    sections = [*_subclasses(ConfigSection)]
    assert {Config, ListSourceConfig, VlanConfig} <= set(sections)
    for section in sections:
        descriptions = [section.describe(key) for key in section.keys()]  # noqa: SIM118 - no dict
        assert all(descriptions)
        assert not any("\n" in description for description in descriptions)


def _subclasses(section: type[ConfigSection]) -> Iterator[type[ConfigSection]]:
    for subclass in section.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def test_sections_do_not_change() -> None:
    vlan = VlanConfig.model_validate({"prefixes": ("10.0.0.0/8",), "policy": "p"})
    with pytest.raises(ValidationError):
        vlan.policy = "q"
