"""What a command shows while it works: on a terminal alone."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file

pytestmark = pytest.mark.processes

WORKS = """
import sys
from resolver.cli import progress
progress._DELAY = 0.0
with progress.progress("reading [b]one[/b]\\x1b]0;title\\x07") as step:
    sys.stdin.readline()
    step("reading two")
    sys.stdin.readline()
print("rich" in sys.modules)
"""
"""A command that waits for a line at each step."""
HIDES, SHOWS = "\x1b[?25l", "\x1b[?25h"


@contextmanager
def _working(error: int, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **variables}
    with subprocess.Popen(
        [sys.executable, "-c", WORKS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=error,
        env=environment,
        text=True,
    ) as process:
        yield process


def _goes_on(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _read_until(terminal: int, pattern: str) -> str:
    shown = ""
    while re.search(pattern, shown) is None:
        shown += os.read(terminal, 4096).decode()
    return shown


def test_a_terminal_shows_each_step_until_the_end() -> None:
    terminal, error = pty.openpty()
    with _working(error) as process:
        os.close(error)
        first = _read_until(terminal, "one")
        first += _read_until(
            terminal, r"\d:\d\d:\d\d"
        )  # a host that stands still shows more than 0 s
        assert "reading [b]one[/b]\\u001b]0;title\\u0007" in first, "a name is text"
        _goes_on(process)
        _read_until(terminal, "reading two")
        _goes_on(process)
        last = _read_until(terminal, re.escape(SHOWS))
        assert first.startswith(HIDES)
        assert "\x1b[2K" in last, "the line is erased"
        assert process.communicate()[0] == "True\n"
    os.close(terminal)


@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "1"}])
def test_without_a_terminal_nothing_is_written(variables: dict[str, str]) -> None:
    with _working(subprocess.PIPE, **variables) as process:
        assert process.communicate("\n\n") == ("False\n", "")


def test_a_dumb_terminal_shows_nothing() -> None:
    terminal, error = pty.openpty()
    with _working(error, TERM="dumb") as process:
        assert process.communicate("\n\n")[0] == "False\n"
    os.write(error, b"end")
    assert os.read(terminal, 4096) == b"end"
    os.close(error)
    os.close(terminal)


def test_a_compilation_says_which_list_it_reads(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "one.txt").write_text("! Category: messenger\n||one.example^\n")
    (tmp_path / "more.txt").write_text("more.example\n")
    config = tmp_path / "config.toml"
    config.write_text(
        """
[lists]
directories = ["lists"]
[lists.sources.more]
file = "more.txt"
format = "suffix"
service = "one"
[policies.p]
block = ["one"]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""
    )
    steps: list[str] = []
    assert compile_file(config, 1.8e9, step=steps.append).errors == []
    assert steps == [
        "reading lists/one.txt",
        "reading the list more",
        "indexing the rules of all lists",
        "running the expectations",
    ]
