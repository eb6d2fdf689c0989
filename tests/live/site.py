"""The site of the documents, built by `make docs`, in an environment of its own."""

import functools
import subprocess
import sys
from pathlib import Path

from tests.live.programs import lacking

ROOT = Path(__file__).parents[2]
SPHINX = ROOT / "build" / "site" / "bin" / "sphinx-build"
BUILT = ROOT / "build" / "docs"


def install() -> None:
    """Set Sphinx up, if it is not there."""
    if not SPHINX.exists():
        done = subprocess.run(
            ["make", "build/site/ready"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


@functools.cache
def build() -> Path:
    """The folder of the site, built anew. Every warning of Sphinx fails it."""
    if not SPHINX.exists():
        lacking("needs Sphinx: python -m tests.live.prepare")
    subprocess.run([sys.executable, ROOT / "docs/make_reference.py"], cwd=ROOT, check=True)
    command = (SPHINX, "-q", "-W", "--keep-going", "-c", "docs/site", "-b", "html", ".", BUILT)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return BUILT
