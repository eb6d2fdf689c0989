"""The addresses of a filter in a compiled config: of all files, without the agency's prefixes."""

from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from resolver.policy.prefixes import prefix_text
from tests.compiler.texts import compile_texts

CONFIG = """
[upstream]
own_prefixes = {own}
[policies.p]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""
FILTER = "10.10.34.34/31 # a page\n10.10.34.36/32\nd0::11/128\n"


def _ranges(own: str) -> list[str]:
    compiled = compile_texts(CONFIG.format(own=own), {"national.filter": FILTER}).compiled
    return [prefix_text(item.network, item.length) for item in compiled.filter_ranges]


@pytest.mark.parametrize(
    ("own", "left"),
    [
        ("[]", ["10.10.34.34/31", "10.10.34.36/32", "d0::11/128"]),
        ('["10.10.34.0/24"]', ["d0::11/128"]),
        ('["10.10.34.35/32", "d0::/64"]', ["10.10.34.34/32", "10.10.34.36/32"]),
        ('["10.10.35.0/24", "fd00::/8"]', ["10.10.34.34/31", "10.10.34.36/32", "d0::11/128"]),
    ],
)
def test_prefixes_of_the_agency_are_none_of_the_filter(own: str, left: list[str]) -> None:
    assert _ranges(own) == left


def test_a_file_in_a_directory_of_lists_is_read_and_is_no_service(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "national.filter").write_text(f"{FILTER}10.0.0.0/8\n")
    lists = '[lists]\ndirectories = ["own"]\n'
    (tmp_path / "config.toml").write_text(lists + CONFIG.format(own="[]"))
    result = compile_file(tmp_path / "config.toml", 1.8e9)
    compiled = result.snapshot.compiled
    first = compiled.filter_ranges[0]
    assert (first.meaning, first.file, first.line) == ("a page", "own/national.filter", 1)
    assert (len(compiled.filter_ranges), compiled.services, compiled.sources) == (3, (), ())
    assert "own/national.filter" in result.own_lists, "an edit of it is seen, and it is archived"
    [skipped] = [
        str(problem) for problem in result.problems if problem.file == "own/national.filter"
    ]
    assert "10.0.0.0/8" in skipped
    assert "wider than /24" in skipped
