"""What must hold for any text."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from resolver.compiler.policy import compile_snapshot
from resolver.config.load import LoadedConfig
from resolver.config.toml_lines import TomlLines
from tests.config.files_in_memory import load_text
from tests.config.toml_texts import TOKEN_WIDTH, mistaken, texts

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "config.toml").read_text(encoding="utf-8")
REFERENCE = (ROOT / "deploy" / "reference.toml").read_text(encoding="utf-8")

unhurried = settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def walk(
    value: object, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, (*path, index))


def parsed(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except ValueError:
        assume(False)
        raise


@given(texts())
@unhurried
def test_every_value_has_the_line_on_which_it_stands(text: str) -> None:
    document = parsed(text)
    places = TomlLines(text)
    for path, value in walk(document):
        line = places.line(path)
        if isinstance(value, dict | list):
            assert line is not None
        else:
            token = str(value)[:TOKEN_WIDTH]
            assert line == text[: text.index(token)].count("\n") + 1


@given(mistaken(REFERENCE))
@unhurried
def test_every_path_of_a_changed_file_has_a_line(text: str) -> None:
    document = parsed(text)
    places = TomlLines(text)
    assert all(places.line(path) is not None for path, _ in walk(document))


def all_told(loaded: LoadedConfig, text: str) -> bool:
    last = text.count("\n") + 1
    return all(
        problem.found and problem.expected and 1 <= (problem.line or 1) <= last
        for problem in loaded.problems
    )


@given(mistaken(SHIPPED) | mistaken(REFERENCE))
@unhurried
def test_no_mistake_makes_loading_or_compiling_raise(text: str) -> None:
    loaded = load_text(text)
    assert all_told(loaded, text)
    if not any(problem.severity == "error" for problem in loaded.problems):
        compile_snapshot(loaded, [])


@given(mistaken(REFERENCE), mistaken(REFERENCE))
@settings(unhurried, max_examples=50)
def test_no_two_files_make_loading_raise(main: str, more: str) -> None:
    loaded = load_text('include = ["m*.toml"]\n' + main.replace("include = []", ""), more=more)
    assert loaded.problems


@given(st.text() | st.binary() | texts())
@unhurried
def test_no_text_makes_loading_raise(text: str | bytes) -> None:
    assert isinstance(load_text(text), LoadedConfig)
