"""``python -m tests.programs.networks`` at its smallest: two rows, two resolvers."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.configs import ROOT
from tests.live.programs import needed
from tests.programs.networks.cells import Cell, median
from tests.programs.networks.rows import ROWS

RESOLVERS = ("Darban", "Unbound")
SMALL = ("loss-30-two", "one-dead")


@pytest.mark.end_to_end
def test_names_are_found_through_bad_networks(ip_program: Path) -> None:
    """The program has network namespaces of its own."""
    assert ip_program
    for program in ("nft", "openssl", "unbound"):
        needed(program)
    options = [word for name in RESOLVERS for word in ("--resolver", name)]
    command = [sys.executable, "-m", "tests.programs.networks", *SMALL, "--names", "40", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for row in SMALL:
        [line] = [text for text in done.stdout.splitlines() if text.startswith(f"{row}: ")]
        shown = line.removeprefix(f"{row}: ").split("; ")
        of = [text for text, name in zip(shown, RESOLVERS, strict=False) if text.startswith(name)]
        assert len(of) == len(RESOLVERS), line
        assert " 0.0 %" not in line, "no name was found in time"
        assert f"| {ROWS[row].about} | " in done.stdout


def test_the_median_of_several_runs_is_of_each_figure() -> None:
    runs = [Cell(100, 90, 1, 9, 2.0), Cell(98, 80, 3, 7, 1.0), Cell(99, 85, 2, 8, 3.0)]
    assert median(runs) == Cell(99, 85, 2, 8, 2.0)
