"""``python -m tests.programs.replay``: the same packets through two trees, octet by octet.

A script of 200,000 packets, made from a seed, is played through the core of the tree before
the redesign (commit fd2609f, taken from the git history) and of the working tree. Whatever
differs is listed by kind with an example of each: replies, how each query was counted, what
was asked of which upstream server when, what was told to observers, and the totals of the cache.

It needs the git history, so it is a program and no test.
"""

import argparse
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.programs.replay.differences import Differences
from tests.programs.replay.note import Note

_ROOT = Path(__file__).parents[3]
_BEFORE = "fd2609f"
COMPILED = _ROOT / "build" / "venv" / "bin" / "python"
"""The Python that has the compiled package (``make compile``)."""


def main() -> int:
    """Play both, compare; 0 where nothing differs, 1 where something does."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.replay", description=__doc__)
    parser.add_argument("--packets", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--before", default=_BEFORE, help="the commit to compare with")
    parser.add_argument("--compiled", action="store_true", help="play the package in build/venv")
    options = parser.parse_args()
    if options.compiled and not COMPILED.exists():
        sys.stderr.write("replay: there is no build/venv: run make compile first\n")
        return 2
    began = time.monotonic()
    with TemporaryDirectory(prefix="darban-replay-") as place:
        sides = (_before(Path(place), options.before), now(Path(place), options.compiled))
        differences = played(sides, options.seed, options.packets)
    sys.stdout.write(differences.report() + differences.summary())
    sys.stdout.write(
        f"{options.packets:,} packets, seed {options.seed}, {options.before} against the "
        f"{'compiled' if options.compiled else 'interpreted'} working tree, "
        f"{time.monotonic() - began:.0f} s: {differences.packets:,} packets differ\n"
    )
    return 1 if differences.packets else 0


Side = tuple[str, Path, str]
"""The Python that plays, its working directory, the adapter."""


def played(sides: tuple[Side, Side], seed: int, packets: int) -> Differences:
    """Play a script on both sides, and compare what they note."""
    playing = [_play(side, seed, packets) for side in sides]
    ended = [each.wait() for each in playing]
    if any(ended):
        raise RuntimeError("a player failed; what it said is above")
    differences = Differences()
    for pair in zip(*(_notes(side[1]) for side in sides), strict=True):
        differences.compare(*pair)
    return differences


def _before(place: Path, commit: str) -> Side:
    """An older tree's package beside this tree's tests."""
    here = place / "before"
    here.mkdir()
    archive = ["git", "-C", str(_ROOT), "archive", commit, "resolver"]
    with subprocess.Popen(archive, stdout=subprocess.PIPE) as git:
        subprocess.run(["tar", "-x", "-C", str(here)], stdin=git.stdout, check=True)
    (here / "tests").symlink_to(_ROOT / "tests")
    old = (here / "resolver" / "query.py").exists()
    return sys.executable, here, "tree_before" if old else "tree_now"


def now(place: Path, compiled: bool) -> Side:
    """The working tree, or the package that is compiled from it, beside this tree's tests."""
    here = place / ("compiled" if compiled else "now")
    here.mkdir()
    (here / "tests").symlink_to(_ROOT / "tests")
    if not compiled:
        (here / "resolver").symlink_to(_ROOT / "resolver")
    return str(COMPILED) if compiled else sys.executable, here, "tree_now"


def _play(side: Side, seed: int, packets: int) -> "subprocess.Popen[bytes]":
    python, here, adapter = side
    command = [python, "-m", "tests.programs.replay.player", adapter, str(seed), str(packets)]
    return subprocess.Popen([*command, str(here / "notes")], cwd=here)


def _notes(here: Path) -> Iterator[Note]:
    with (here / "notes").open("rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except EOFError:
                return


if __name__ == "__main__":
    sys.exit(main())
