"""The commands in the ``console`` blocks of a page, with what the page shows of their output.

A line of a command begins with ``$ ``, its next lines with ``> ``. In what is shown, ``...`` stands
for anything, and alone on a line for any lines.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.documents.pages import blocks


@dataclass(frozen=True)
class Command:
    """One command, and what the page shows of it."""

    text: str
    shown: str


def commands(page: Path) -> Iterator[Command]:
    """All commands of a page, in their order."""
    for block in blocks("console", page):
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            length = 1
            while length < len(lines) and lines[length].startswith(">"):
                length += 1
            text = "\n".join([lines[0], *(line[1:].removeprefix(" ") for line in lines[1:length])])
            yield Command(text, "\n".join(lines[length:]))


def run(text: str, directory: Path, environment: Mapping[str, str]) -> str:
    """Run a command as a shell does, and return both of its outputs together."""
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=directory,
        env={**os.environ, "COLUMNS": "100", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout


def agrees(shown: str, output: str) -> bool:
    """Whether an output is what the page shows."""
    lines = (re.escape(line.rstrip()).replace(r"\.\.\.", ".*") for line in shown.splitlines())
    pattern = "".join(r"(?:.*\n)*?" if line == ".*" else f"{line}\n" for line in lines)
    return re.fullmatch(pattern, _trimmed(output)) is not None


def _trimmed(output: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in output.strip("\n").splitlines())
