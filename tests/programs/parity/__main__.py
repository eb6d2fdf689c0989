"""``python -m tests.programs.parity``: do other engines enforce the policy as Darban does?

NSD is the upstream of all. Darban writes its zones, Knot serves them, and each engine runs with
the config that ``darban export`` writes. Each cell asks Darban and the engine the same question as
the same client. The cell agrees, or differs for a reason in docs/explanation/other-resolvers.md.
"""

import argparse
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import NoReturn

from tests.programs.parity.comparison import ENGINES, compare
from tests.programs.parity.policy_under_test import INSIDE

_AT_ONCE, _SHOWN = 2, 20
"""How many engines run at a time, and how many faults are printed."""
_INSIDE = "DARBAN_PARITY_INSIDE"
"""The variable that says that this process is in the namespace."""


def main() -> int:
    """Ask, compare, print; 1 where a difference has no known reason.

    It runs in a network namespace of its own, whose loopback has the addresses of IPv6 clients.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.programs.parity", description=__doc__)
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--tcp", action="store_true", help="ask over TCP")
    parser.add_argument("--quick", action="store_true", help="over one family, without warm caches")
    options = parser.parse_args()
    if _INSIDE not in os.environ:
        _run_inside()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    faults: list[str] = []
    print("| engine | cells | agree | differ | reason |\n|---|---|---|---|---|", flush=True)
    with ProcessPoolExecutor(_AT_ONCE, get_context("spawn")) as pool:
        comparing = partial(compare, quick=options.quick, tcp=options.tcp)
        for comparison in pool.map(comparing, options.engines):
            print(*comparison.rows(), sep="\n", flush=True)
            faults += comparison.faults()
    print("", *faults[:_SHOWN], sep="\n")
    return 1 if faults else 0


def _run_inside() -> NoReturn:
    """Begin this program again, in the namespace."""
    addresses = "".join(f"ip address add {text} dev lo nodad && " for text in INSIDE)
    inside = ["unshare", "--net", "sh", "-c", f'ip link set lo up && {addresses}exec "$@"', "sh"]
    again = [*inside, sys.executable, "-m", "tests.programs.parity", *sys.argv[1:]]
    os.execvpe("unshare", again, os.environ | {_INSIDE: "1"})


if __name__ == "__main__":
    sys.exit(main())
