"""``python -m tests.programs.chaos [FAULT...]``: break what the server stands on, under load.

Each fault gets a server of its own, on loopback, and is printed as a row of a table; then pairs
of faults at random, from a seed that is printed. A name also stands for all faults that begin
with it; ``FAULT+FAULT`` is a pair. A row that does not hold on a busy machine is repeated.
"""

import argparse
import os
import platform
import random
import signal
import sys

import resolver
from tests.programs.busy import TRIES
from tests.programs.chaos.faults import FAULTS, Fault, pairs
from tests.programs.chaos.rows import Pace, row, table


def main() -> int:
    """Run, print, and the exit code: 1 where a row does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.chaos", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="FAULT", help="which faults; none: all, pairs")
    parser.add_argument("--pairs", type=int, default=10, help="how many pairs (default: 10)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of all chance")
    parser.add_argument("--rate", type=int, default=Pace().rate, help="questions a second")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    chosen = [faults for name in options.names or [""] for faults in _chosen(name)]
    if not chosen:
        parser.error(f"no such fault; there are {', '.join(fault.name for fault in FAULTS)}")
    if not options.names:
        chosen += pairs(options.pairs, options.seed)
    print(
        f"{resolver.build()}, seed {options.seed}, {options.rate} questions a second, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    rows = []
    for faults in chosen:
        name = " + ".join(fault.name for fault in faults)
        if missing := [fault.lacks() for fault in faults if fault.lacks()]:
            print(f"-    {name}: not tried, {missing[0]}")
            continue
        for left in reversed(range(TRIES)):
            seen = row(faults, options.seed, Pace(rate=options.rate))
            bad, again = "; ".join(seen.broken + seen.late), left and seen.may_be_excused
            why = f" (busy machine, {seen.busy:.0%}{': repeated' * bool(again)})"
            print(
                f"{'ok  ' if seen.holds else 'FAIL'} {name}: {bad}{why * seen.may_be_excused}",
                flush=True,
            )
            if not again:
                break
        rows.append(seen)
    failed = sum(not item.holds for item in rows)
    print(
        f"\n{len(rows)} rows, {failed} do not hold (Linux {platform.release()}, load "
        f"{os.getloadavg()[0]:.1f})\n"
    )
    print(table(rows))
    return 1 if failed else 0


def _chosen(name: str) -> list[tuple[Fault, ...]]:
    """The faults that begin with a name, or the one pair whose names a plus joins."""
    first, _, second = name.partition("+")
    faults = [fault for fault in FAULTS if fault.name.startswith(first)]
    if not second:
        return [(fault,) for fault in faults]
    return [(fault, other) for fault in faults for other in FAULTS if other.name == second]


if __name__ == "__main__":
    sys.exit(main())
