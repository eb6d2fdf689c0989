"""The documents name only what exists, and name all of what they list."""

import ast
import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from resolver import __version__
from resolver.cli.app import app
from resolver.lists.formats import FORMATS
from tests.laws.package_order import ORDER
from tests.laws.source_tree import PACKAGE, ROOT, modules
from tests.programs.attacks.catalog import ATTACKS
from tests.scenarios import file, test_scenarios

DOCUMENTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md")
}
CODE_PAGES = ("docs/explanation/features.md", "docs/explanation/glossary.md")
"""Pages of ``docs/`` that are for programmers, and name the code."""
PROGRAMMERS = ("ARCHITECTURE.md", "CONTRIBUTING.md", *CODE_PAGES)
PAGES = {str(path.relative_to(ROOT)): path for path in (ROOT / "docs").rglob("*.md")}

COMMANDS = cast("TyperGroup", typer.main.get_command(app)).commands

_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]*\w/[\w./-]*|[\w.-]+\.(?:py|md|toml|txt|sh|json|yml)")
_SYMBOL = re.compile(r"[A-Z]\w*[a-z]\w*(?:\.\w+)?")
_NAME = re.compile(r"_\w+|[A-Z_]{4,}")
_MADE_HERE = {".venv", "build"}
"""Folders that ``make`` makes."""


def _codes(document: str) -> Iterator[str]:
    """What a document sets as code within its sentences."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return (code for code in _CODE.findall(_FENCED.sub("", text)))


def _named(document: str, kind: re.Pattern[str]) -> list[str]:
    return sorted({code for code in _codes(document) if kind.fullmatch(code)})


def _exists(path: str) -> bool:
    """Whether a path leads somewhere, from the repository or from the package; NAME is any name."""
    if "NAME" in path:
        path = path.rpartition("/")[0]
    return (ROOT / path).exists() or (PACKAGE / path).exists()


@pytest.mark.parametrize("document", [*DOCUMENTS, *CODE_PAGES])
def test_files_and_folders_exist(document: str) -> None:
    paths = [path for path in _named(document, _PATH) if path.split("/")[0] not in _MADE_HERE]
    assert paths or document == "README.md", "that one has links"
    assert [path for path in paths if not _exists(path)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_targets_of_make_exist(document: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    named = re.findall(r"(?:^[$#] |`|&& )make ([a-z-]+)", DOCUMENTS[document], re.MULTILINE)
    assert named
    assert set(named) <= targets


def test_the_attacks_that_the_threat_model_names_are_run() -> None:
    attacks = {attack.name for attack in ATTACKS}
    cells = re.findall(r"attacks? ((?:`[a-z0-9-]+`(?:, )?)+)", DOCUMENTS["SECURITY.md"])
    named = {name for cell in cells for name in _CODE.findall(cell)}
    assert len(named) > 20
    assert named <= attacks


@pytest.mark.parametrize("document", DOCUMENTS)
def test_modules_that_run_exist(document: str) -> None:
    named = set(re.findall(r"python -m ([a-z_.]+)", DOCUMENTS[document]))
    assert [name for name in named if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("document", PROGRAMMERS)
def test_classes_and_their_methods_exist(document: str) -> None:
    known = set(_symbols())
    assert [symbol for symbol in _named(document, _SYMBOL) if symbol not in known] == []


@pytest.mark.parametrize("document", PROGRAMMERS)
def test_constants_and_inner_names_exist(document: str) -> None:
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "tests" / "lists").glob("*.py")]
    words = set(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in sources)))
    assert [name for name in _named(document, _NAME) if name not in words] == []


def _symbols() -> Iterator[str]:
    """Every class and type of the package, and the methods and fields of the classes."""
    for module in modules().values():
        for node in module.tree.body:
            if isinstance(node, ast.Assign):
                yield from (target.id for target in node.targets if isinstance(target, ast.Name))
            if isinstance(node, ast.ClassDef):
                yield node.name
                for below in node.body:
                    if isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef):
                        yield f"{node.name}.{below.name}"
                    elif isinstance(below, ast.AnnAssign) and isinstance(below.target, ast.Name):
                        yield f"{node.name}.{below.target.id}"


def _first_column(document: str, heading: str) -> list[str]:
    """What the first column of the table below a heading sets as code, by rows."""
    section = re.split(r"^## ", document.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    return [found[1] for row in rows if (found := _CODE.search(row))]


def test_every_package_is_described_in_the_order_of_imports() -> None:
    described = _first_column(DOCUMENTS["ARCHITECTURE.md"], "The packages")
    order = [part for rank in ORDER for part in rank if (PACKAGE / part / "__init__.py").exists()]
    assert described == [f"{part}/" for part in order if part]


def test_all_that_is_kept_in_the_state_directory_is_listed() -> None:
    section = DOCUMENTS["ARCHITECTURE.md"].partition("\n## State on disk\n")[2]
    table = section.split("```")[1].strip().splitlines()
    listed = {line.split()[0].split("/")[0] for line in table if line[0] != " "}
    used = set(_names_in_state_directory())
    assert len(used) > 10
    assert used - listed == {"bundle"}  # a file aside while "darban pull --bundle" reads it


def _names_in_state_directory() -> Iterator[str]:
    """What stands after ``state /`` in the program."""
    for module in modules().values():
        for node in ast.walk(module.tree):
            match node:
                case ast.BinOp(
                    ast.Name("state") | ast.Attribute(attr="state"),
                    ast.Div(),
                    ast.Constant(str(name)),
                ):
                    yield name
                case ast.BinOp(
                    ast.Name("state") | ast.Attribute(attr="state"), ast.Div(), ast.Name(constant)
                ):
                    yield vars(importlib.import_module(f"resolver.{module.name}"))[constant]
                case _:
                    pass


@pytest.mark.parametrize("document", [*DOCUMENTS, *PAGES])
def test_commands_exist_with_their_options(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    lines = [code for code in _CODE.findall(_FENCED.sub("", text)) if code.startswith("darban ")]
    lines += re.findall(r"^ *[$#] (darban [^#>|\\\n]*)", text, re.MULTILINE)
    for line in lines:
        words = shlex.split(line)[1:]
        if words[0] == "NAME" or words[0].startswith("--"):
            continue
        command = COMMANDS[words[0]]
        if isinstance(command, TyperGroup) and words[1:] and not words[1].startswith("-"):
            command = command.commands[words[1]]
        assert isinstance(command, TyperCommand | TyperGroup)
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_the_version_is_that_of_the_newest_release_or_of_the_next() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[([0-9.]+)\]", text, re.MULTILINE)[0]
    version = [*map(int, __version__.removesuffix(".dev0").split("."))]
    newest = [*map(int, released.split("."))]
    # The section of a release is written before the release.
    assert version >= newest if __version__.endswith(".dev0") else version == newest


def test_the_formats_of_lists_are_described() -> None:
    page = (ROOT / "blocklists" / "README.md").read_text(encoding="utf-8")
    reference = (ROOT / "deploy" / "reference.toml").read_text(encoding="utf-8")
    assert set(_first_column(page, "Lists of others")) == set(FORMATS)
    assert set(re.findall(r"^# ([\w-]+) {2,}\S", reference, re.MULTILINE)) == set(FORMATS)


def test_the_example_of_a_scenario_holds(tmp_path: Path) -> None:
    [text] = re.findall(r"^```toml\n(.*?)^```$", DOCUMENTS["CONTRIBUTING.md"], re.M | re.S)
    path = tmp_path / "example.toml"
    path.write_text(text, encoding="utf-8")
    test_scenarios.test_scenario(file.read(path))


def test_the_first_change_can_be_made() -> None:
    """Or is made already, by somebody who follows the page."""
    [diff] = re.findall(r"^```diff\n(.*?)^```$", DOCUMENTS["CONTRIBUTING.md"], re.M | re.S)
    hunks = re.findall(r"^\+\+\+ b/(\S+)\n@@.*\n((?:(?!--- )(?:[ +-].*)?\n)+)", diff, re.M)
    assert len(hunks) == diff.count("@@ -") > 1
    for path, hunk in hunks:
        lines = [(line[:1], line[1:]) for line in hunk.splitlines()]
        old, new = (
            "\n".join(text for sign, text in lines if sign != other) for other in ("+", "-")
        )
        text = (ROOT / path).read_text(encoding="utf-8")
        assert old in text or new in text, path


def test_the_reading_list_says_how_long_its_files_are() -> None:
    rows = re.findall(r"^\| `(\S+\.py)` \| (\d+) \|", DOCUMENTS["CONTRIBUTING.md"], re.M)
    found = {
        path: len((PACKAGE / path).read_text(encoding="utf-8").split("\n")) for path, _ in rows
    }
    assert len(found) == len(rows) > 5
    assert [path for path, said in rows if abs(found[path] - int(said)) > found[path] / 5] == []
    assert 2500 < sum(found.values()) < 3500
