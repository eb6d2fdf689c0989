"""The wheel: what is in it, where it is built, and that `darban --version` is true of it."""

import importlib
import os
import runpy
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from resolver import __version__
from tests.conftest import COMPILED

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "resolver"
DARBAN = Path(sysconfig.get_path("scripts")) / "darban"


def _compiled_modules() -> list[str]:
    """The list of setup.py, by files from the current directory."""
    named = runpy.run_path(str(ROOT / "setup.py"))["compiled_modules"]
    return cast("Callable[[], list[str]]", named)()


def test_what_is_left_interpreted_would_else_be_compiled() -> None:
    """A name alone would leave out every file of that name."""
    named = runpy.run_path(str(ROOT / "setup.py"))
    assert {name.partition("/")[0] for name in named["INTERPRETED"]} <= named["PACKAGES"].keys()


def test_the_tests_of_compiled_packages_run_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert {name.split("/")[1] for name in _compiled_modules()} == COMPILED - {"scenarios"}


@pytest.mark.processes
def test_the_version_tells_how_every_hot_module_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    said = subprocess.run([DARBAN, "--version"], capture_output=True, text=True, check=True)
    monkeypatch.chdir(ROOT)
    names = [name.removesuffix(".py").replace("/", ".") for name in _compiled_modules()]
    loaded = {Path(str(importlib.import_module(name).__file__)).suffix for name in names}
    build = {".py": "interpreted", ".so": "compiled"}
    assert [build[suffix] for suffix in loaded] == [said.stdout.rpartition(", ")[2].strip()]
    assert said.stdout.startswith(f"darban {__version__}, ")


def test_a_module_that_is_gone_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in PACKAGE.rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
    monkeypatch.chdir(tmp_path)
    assert _compiled_modules()
    (tmp_path / "resolver/transport/loop.py").unlink()
    with pytest.raises(SystemExit, match=r"setup\.py names resolver/transport/loop\.py"):
        _compiled_modules()


def _wheel(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "deploy/wheel.sh", directory],
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _files(package: Path) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.processes
def test_a_pure_wheel_has_the_whole_package_and_is_built_once(tmp_path: Path) -> None:
    done = _wheel(tmp_path)
    assert done.returncode == 0, done.stderr
    [wheel] = (tmp_path / "wheel").iterdir()
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    assert {name for name in names if ".dist-info/" not in name} == _files(PACKAGE)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert any(name.endswith(".dist-info/entry_points.txt") for name in names)
    made = [*ROOT.glob("*.egg-info"), *ROOT.glob("build/lib*"), *PACKAGE.rglob("*.so")]
    assert made == [], "built in the source"
    built = (tmp_path / "built").stat().st_mtime_ns
    assert _wheel(tmp_path).returncode == 0
    assert (tmp_path / "built").stat().st_mtime_ns == built


@pytest.mark.processes
def test_the_importers_are_a_wheel_of_their_own(tmp_path: Path) -> None:
    """It has the version of Darban, also that of a build, and the same octets each time."""
    source = ROOT / "darban_import"
    made: list[Path] = []
    for place in (tmp_path / "one", tmp_path / "other"):
        environment = {"PYTHON": sys.executable, "SOURCE_DATE_EPOCH": "1700000000"}
        subprocess.run(
            [ROOT / "deploy/import_wheel.sh", place],
            env={**os.environ, **environment, "DARBAN_BUILD": "0123456789ab"},
            check=True,
        )
        made += (place / "import").iterdir()
    one, other = made
    assert one.name == f"darban_import-{__version__}+0123456789ab-py3-none-any.whl"
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as opened:
        names = set(opened.namelist())
        [entries] = (opened.read(name) for name in names if name.endswith("entry_points.txt"))
    files = _files(source) - {"darban_import/pyproject.toml"}
    assert {name for name in names if ".dist-info/" not in name} == files
    assert b"[darban.import]" in entries
    assert list(source.glob("*.egg-info")) == [], "built in the source"


@pytest.mark.processes
def test_the_version_of_a_wheel_names_its_build(tmp_path: Path) -> None:
    done = _wheel(tmp_path, DARBAN_BUILD="0123456789ab")
    assert done.returncode == 0, done.stderr
    [wheel] = (tmp_path / "wheel").iterdir()
    version = f"{__version__}+0123456789ab"
    assert wheel.name.startswith(f"darban-{version}-")
    with zipfile.ZipFile(wheel) as opened:
        assert f'__version__ = "{version}"\n' in opened.read("resolver/__init__.py").decode()


@pytest.mark.processes
def test_without_a_compiler_it_is_said_what_to_install(tmp_path: Path) -> None:
    done = _wheel(tmp_path, DARBAN_COMPILE="1", CC="no-such-compiler -O2")
    assert done.returncode == 1
    assert "no no-such-compiler to compile with: apt install gcc" in done.stderr
    assert not (tmp_path / "built").exists()
