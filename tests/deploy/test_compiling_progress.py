"""What `make install` says, every half minute, of what it has compiled."""

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes
INSTALL = Path(__file__).parents[2] / "deploy" / "install.sh"
SCRIPT = """
set -eu
say() {{ printf '%s\\n' "$*"; }}
WORK={work}
{function}
say_compiled
"""


def test_it_says_how_many_files_and_which_was_the_last(tmp_path: Path) -> None:
    assert _said(tmp_path) == "Compiling: no C file is compiled yet ...\n"
    build = tmp_path / "source" / "build"
    compiled = build / "temp" / "build"
    compiled.mkdir(parents=True)
    for name in ("name", "query", "view"):
        (build / f"__native_resolver___dns___{name}.c").touch()
    for at, name in ((20, "query"), (10, "name")):
        made = compiled / f"__native_resolver___dns___{name}.o"
        made.touch()
        os.utime(made, (at, at))
    assert _said(tmp_path) == "Compiling: 2 of 3 C files, the last of resolver.dns.query ...\n"


def _said(work: Path) -> str:
    """What it says of the files there are now."""
    text = INSTALL.read_text(encoding="utf-8")
    function = re.search(r"^say_compiled\(\) \{.*?^\}", text, re.DOTALL | re.MULTILINE)
    assert function is not None
    script = SCRIPT.format(work=work, function=function[0])
    return subprocess.check_output(["sh", "-c", script], text=True)
