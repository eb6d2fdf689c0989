"""Command line and environment of the child processes that run a module of this program.

A child runs by exec, with the same interpreter and the same code: its import path starts with
the directory that holds the ``resolver`` package. It never imports from the current directory,
where anybody may have put a ``json.py``.
"""

import os
import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[2])


def command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this program."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """The environment of the child: the parent's, with the import path."""
    paths = [_ROOT, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
