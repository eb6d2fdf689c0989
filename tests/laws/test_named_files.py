"""Every list and pattern of files names a file that is there.

What names nothing does nothing, and does not say so: a hash stays the same, an installer leaves
something out, an exception from a rule excepts nothing.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resolver.compiler import program_hash
from tests import conftest
from tests.laws.source_tree import PACKAGE, ROOT, imported, modules

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOOLS = PROJECT["tool"]
SCRIPTS = sorted(
    {
        *(ROOT / "deploy").rglob("*.sh"),
        *(ROOT / "deploy" / "debian").rglob("*.install"),
        *(ROOT / "deploy" / "debian").rglob("rules"),
        *(ROOT / name for name in ("deploy/Containerfile", "Makefile", ".ci/run")),
    }
)
"""What builds, installs and tests, and names files of the repository for it."""
_NAMED = re.compile(
    r"(?<![\w.*/-])(?:\$SOURCE\"?/|\./)?"
    r"((?:deploy|resolver|blocklists|requirements|docs|tests)/[\w.*@/-]+)"
)


def matches(pattern: str, folder: Path = ROOT) -> bool:
    return next(folder.glob(pattern.rstrip("/.")), None) is not None


@pytest.mark.parametrize("pattern", program_hash.CODE)
def test_the_hash_of_the_program_reads_code(pattern: str) -> None:
    assert matches(pattern, PACKAGE)


def test_package_data_has_files() -> None:
    named = [
        (package, pattern)
        for package, patterns in TOOLS["setuptools"]["package-data"].items()
        for pattern in patterns
    ]
    assert named
    assert [row for row in named if not matches(row[1], ROOT / row[0])] == []


def test_the_settings_of_ruff_and_mypy_are_for_files_that_are_there() -> None:
    excepted = TOOLS["ruff"]["lint"]["per-file-ignores"]
    assert [
        pattern for pattern in [*excepted, *TOOLS["mypy"]["files"]] if not matches(pattern)
    ] == []


def test_the_libraries_that_mypy_does_not_find_are_imported() -> None:
    [override] = TOOLS["mypy"]["overrides"]
    named = {name.removesuffix(".*") for name in override["module"]}
    tests = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
    used = {name.partition(".")[0] for module in modules().values() for name in imported(module)}
    used |= set(re.findall(r"^\s*(?:import|from) (\w+)", tests, re.MULTILINE))
    assert named - used == set()


def test_the_order_of_tests_names_files() -> None:
    assert [name for name in (*conftest.LOAD, *conftest.LONG) if not (ROOT / name).is_file()] == []


def _named_by_scripts() -> Iterator[tuple[str, str]]:
    for script in SCRIPTS:
        text = script.read_text(encoding="utf-8")
        copied = " ".join(re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE)).split()
        for name in [*_NAMED.findall(text), *copied]:
            if not name.endswith(".so"):  # that is compiled
                yield str(script.relative_to(ROOT)), name


def test_what_builds_and_installs_names_files() -> None:
    named = list(_named_by_scripts())
    assert {script for script, _ in named} >= {"deploy/install.sh", "deploy/Containerfile"}
    assert [row for row in named if not matches(row[1])] == []
