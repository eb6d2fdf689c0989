"""``python -m tests.programs.fuzz [--seconds N] [TARGET...]``: any bytes, wherever bytes come in.

The seconds are shared by the targets, whose seeds are damaged at random. An
input that breaks a promise is added to build/fuzz/TARGET.hex, as a line for the corpus, and
the exit code is 1.
"""

import argparse
import hashlib
import random
import sys
from pathlib import Path

from tests.programs.fuzz import mutating
from tests.programs.fuzz.corpus import line, seeds
from tests.programs.fuzz.outcome import Ran
from tests.programs.fuzz.targets import TARGETS

SAVE = Path(__file__).parents[3] / "build" / "fuzz"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.programs.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--seed", type=int, help="repeats a run")
    options = parser.parse_args()
    chosen = options.targets or list(TARGETS)
    if unknown := [item for item in chosen if item not in TARGETS]:
        parser.error(f"no such target: {unknown[0]}; there are {', '.join(TARGETS)}")
    seed = random.randrange(1, 1 << 31) if options.seed is None else options.seed
    print(f"seed {seed}")
    failed = False
    for name in chosen:
        seconds = options.seconds / len(chosen)
        ran = mutating.fuzz(TARGETS[name], seeds(name).values(), seed, seconds=seconds)
        failed = failed or bool(ran.failures)
        _say(name, ran)
    return 1 if failed else 0


def _say(name: str, ran: Ran) -> None:
    print(f"{name}: {ran.executions:,} executions, {ran.reached}, {len(ran.failures)} failures")
    for what, data in ran.failures:
        print(f"  {what}: saved as {_save(name, data)}")
    sys.stdout.flush()


def _save(target: str, data: bytes) -> str:
    """Add an input to the file of its target; its name there."""
    SAVE.mkdir(parents=True, exist_ok=True)
    name = f"failed-{hashlib.sha256(data).hexdigest()[:16]}"
    with (SAVE / f"{target}.hex").open("a", encoding="ascii") as file:
        file.write(line(name, data))
    return name


if __name__ == "__main__":
    sys.exit(main())
