"""The sections of docs/how-to/runbook.md, and the commands in them that can be run here."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.programs.chaos.system import CommandFailed, System

_TEXT = (Path(__file__).parents[3] / "docs" / "how-to" / "runbook.md").read_text(encoding="utf-8")
_NAMES = {"VLAN": "administration", "NAME": "listed"}
_BAD = re.compile(r"Traceback|^Usage:|No such (command|option)", re.MULTILINE)


def section(alert: str) -> str:
    """The section of an alert; empty where there is none."""
    found = re.search(rf"^## {alert}\n(.*?)(?=^## |\Z)", _TEXT, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def see(alert: str) -> Iterator[str]:
    """The commands of ``darban`` below "See"."""
    for block in re.findall(r"^```\n(.*?)^```", section(alert), re.MULTILINE | re.DOTALL):
        yield from map(str.strip, re.findall(r"^darban [^#\n]*", block, re.MULTILINE))


def run(whole: System, command: str) -> tuple[bool, str]:
    """Run such a command: whether it succeeds, and what it prints.

    Raises:
        AssertionError: there is no such command.
    """
    words = [_NAMES.get(word, word) for word in command.split()[1:]]
    try:
        good, text = True, whole.darban(*words)
    except (CommandFailed, subprocess.TimeoutExpired) as error:
        good, text = False, str(error)
    assert not _BAD.search(text), f"{command}: {text}"
    return good, text
