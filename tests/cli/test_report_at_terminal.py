"""``darban report`` at a terminal prints no page, and says where it can write it."""

import os
import pty
import subprocess
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

DARBAN = Path(sysconfig.get_path("scripts")) / "darban"
OUTPUT = "or by '--output report.html', which signs it with [report] sign_key; "


@pytest.mark.parametrize(("period", "output"), [([], ""), (["--month", "1405-08"], OUTPUT)])
def test_the_page_is_for_a_file(tmp_path: Path, period: list[str], output: str) -> None:
    terminal, out = pty.openpty()
    done = subprocess.run(
        [DARBAN, "report", *period], stdout=out, stderr=subprocess.PIPE, cwd=tmp_path, text=True
    )
    os.write(out, b"end")
    assert os.read(terminal, 4096) == b"end", "nothing was printed before"
    os.close(out)
    os.close(terminal)
    assert (done.returncode, done.stderr) == (
        2,
        "the report is an HTML page, and this is a terminal: write it to a file, by "
        f"'> report.html' after the command; {output}or add --json\n",
    )
