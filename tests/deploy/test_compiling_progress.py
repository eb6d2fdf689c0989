"""While `make install` compiles, it says every half minute what it has compiled."""

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
sleep() {{ [ "$1" = 30 ] && read -r _; }}
WORK={work}
{function}
tell_compiling
"""
"""Its ``sleep`` waits for a line, as if that were the half minute."""


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
    """What it says after half a minute."""
    text = INSTALL.read_text(encoding="utf-8")
    function = re.search(r"^tell_compiling\(\) \{.*?^\}", text, re.DOTALL | re.MULTILINE)
    assert function is not None
    script = SCRIPT.format(work=work, function=function[0])
    done = subprocess.run(
        ["sh", "-c", script], input="\n", stdout=subprocess.PIPE, check=True, text=True
    )
    return done.stdout
