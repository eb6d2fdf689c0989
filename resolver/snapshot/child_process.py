"""How this program runs parts of itself in processes of their own.

By exec of the same interpreter, with the same code: the directory that this package lies in
is given to the child, and the current directory, where anybody may have put a ``json.py``,
is not looked into.
"""

import os
import sys
from pathlib import Path


def command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this package."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """The environment to run it in."""
    package = str(Path(__file__).resolve().parent.parent)
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
