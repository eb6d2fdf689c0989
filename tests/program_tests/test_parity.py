"""``python -m tests.programs.parity`` as an ordinary test, without warm caches."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.configs import ROOT
from tests.live.programs import needed
from tests.programs.parity.comparison import ENGINES

pytestmark = pytest.mark.real_clock

PROGRAMS = {"BIND": "named", "Unbound": "unbound", "Recursor": "pdns_recursor"}


@pytest.mark.end_to_end
@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_differs_from_darban_only_as_documented(engine: str, ip_program: Path) -> None:
    """The program has a network namespace of its own, for IPv6 clients."""
    assert ip_program
    for program in ("nsd", "knotd", "ldns-keygen", PROGRAMS.get(engine, "nsd")):
        needed(program)
    command = [sys.executable, "-m", "tests.programs.parity", "--quick", "--engines", engine]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
