"""What the commands say of themselves: help with examples, the manual page, completion."""

import os
import re
import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from resolver.cli.app import COMMANDS as COMMANDS_OF_HELP
from resolver.cli.app import GROUPS, app
from resolver.cli.command import CONFIG_HELP, JSON_HELP
from tests.live.fake_clock import real_clock
from tests.live.programs import needed

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
DARBAN = Path(sysconfig.get_path("scripts")) / "darban"


def _commands(command: object, path: str) -> dict[str, TyperCommand]:
    if isinstance(command, TyperCommand):
        return {path: command}
    assert isinstance(command, TyperGroup)
    return {
        name: item
        for word, below in command.commands.items()
        for name, item in _commands(below, f"{path} {word}").items()
    }


COMMANDS = _commands(typer.main.get_command(app), "darban")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example(name: str) -> None:
    help_text = COMMANDS[name].help or ""
    examples = [line for line in help_text.splitlines() if line.startswith(f"    {name}")]
    assert examples, f"{name} --help has no line '    {name} ...'"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_paragraphs_of_a_help_are_wrapped_anew(name: str) -> None:
    """Only as Markdown; else each line of the docstring is wrapped by itself."""
    assert COMMANDS[name].rich_markup_mode == "markdown"


def test_the_help_fits_a_screen_and_has_every_command_in_its_group() -> None:
    done = subprocess.run(
        [DARBAN, "--help"], env={**os.environ, "COLUMNS": "80"}, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) < 24, "a line is left for the prompt"
    assert max(map(len, lines)) <= 80
    commands = {line[17:26].strip(): line[26:] for line in lines if line[26:27].isupper()}
    assert list(commands) == list(COMMANDS_OF_HELP)
    assert all(command.endswith(".") for command in commands.values()), "none is cut"
    groups = [line[:17].strip() for line in lines if line[26:27].isupper() and line[0] != " "]
    assert groups == list(GROUPS)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The manual page as a reader sees it; its source draws no warning."""
    man = needed("man")
    source = tmp_path_factory.mktemp("man") / "darban.8"
    source.write_text(runpy.run_path(str(ROOT / "deploy/manual.py"))["manual"](), encoding="utf-8")
    done = subprocess.run(
        [man, "--warnings", "-E", "UTF-8", "-l", source],
        env={**real_clock(), "MANWIDTH": "300", "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return re.sub(r".\x08", "", done.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_manual_names_every_command_and_what_it_takes(page: str, name: str) -> None:
    _, found, rest = page.partition(f"\n   {name} ")
    assert found
    section = re.split(r"\n   \S|\n\S", rest)[0]
    options = page.partition("\nOPTIONS\n")[2].partition("\nCOMMANDS\n")[0]
    for parameter in COMMANDS[name].params:
        if getattr(parameter, "hidden", False):
            continue
        text = " ".join((getattr(parameter, "help", None) or "").split())
        assert text, f"{name}: {parameter.name} has no help"
        explains = options if text in (CONFIG_HELP, JSON_HELP) else section
        assert text in " ".join(explains.split())
        for option in parameter.opts:
            if option.startswith("-"):
                assert option in section


def test_what_may_be_left_out_is_in_one_pair_of_brackets(page: str) -> None:
    usage = {line.strip() for line in page.splitlines() if "[OPTIONS]" in line}
    assert "darban check [OPTIONS] [FILE]" in usage
    assert "darban reload [OPTIONS] [FILE]" in usage
    assert "darban lists update [OPTIONS] [NAME]..." in usage


def test_every_example_in_the_manual_is_kept_as_it_is(page: str) -> None:
    assert "\n           darban explain 10.10.3.7 web.telegram.org\n" in page


_COMPLETE = """
eval "$(_DARBAN_COMPLETE=source_bash {darban})"
COMP_WORDS=({words}) COMP_CWORD={last}
_darban_completion {darban}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def _offered(words: str, directory: Path) -> list[str]:
    script = _COMPLETE.format(darban=DARBAN, words=words, last=len(words.split()) - 1)
    done = subprocess.run(
        ["bash", "-c", script], cwd=directory, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_the_shell_is_offered_commands_and_options(tmp_path: Path) -> None:
    assert "explain" in _offered("darban ex", tmp_path)
    assert "--client" in _offered("darban explain --c", tmp_path)


def test_the_manual_names_the_options_of_darban_itself(page: str) -> None:
    [options] = re.findall(r"\nOPTIONS\n(.*?)\nCOMMANDS\n", page, re.DOTALL)
    assert "--version" in options


def test_make_man_prints_the_page() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "deploy/manual.py"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(".TH DARBAN 8")
