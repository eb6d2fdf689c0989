"""``python -m tests.programs.faults [NAME...]``: break things one by one, and see who is told.

Each row has a server of its own, under load, and a Prometheus with the shipped alerts, which do not
wait. A row holds where nobody gets a wrong answer, the alert fires, the status tells, and what the
runbook says mends it. As root it runs in a network namespace of its own.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.programs.chaos.rows import line
from tests.programs.faults.catalog import BREAKDOWNS, UNTRIED
from tests.programs.faults.row import RATE, Row, row

_AT_ONCE = 3
_INSIDE = "DARBAN_FAULTS_INSIDE"
_HEAD = (
    *("fault", "lost", "SERVFAIL", "asked", "longest silence s", "good after s"),
    *("alert", "status", "runbook", "holds"),
)


def main() -> int:
    """Run, print, and the exit code: 1 where a row does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; none: all")
    options = parser.parse_args()
    chosen = [
        breakdown.name
        for breakdown in BREAKDOWNS
        if not options.names or any(breakdown.name.startswith(name) for name in options.names)
    ]
    if not chosen:
        parser.error(f"there are {', '.join(breakdown.name for breakdown in BREAKDOWNS)}")
    if os.geteuid():
        parser.error("only root can lose an address and fill a disk of its own")
    if _INSIDE not in os.environ:
        inside = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        again = [*inside, sys.executable, "-m", "tests.programs.faults", *sys.argv[1:]]
        os.execvpe("unshare", again, os.environ | {_INSIDE: "1"})
    began, rows = time.monotonic(), []
    with ProcessPoolExecutor(_AT_ONCE, get_context("spawn")) as pool:
        for seen in pool.map(row, chosen):
            state = "FAIL" if seen.broken else "ok  "
            print(f"{state} {seen.name}: {'; '.join(seen.broken)}", flush=True)
            rows.append(seen)
    failed = sum(bool(item.broken) for item in rows)
    print(
        f"\n{len(rows)} faults, {RATE} questions a second, {failed} do not hold; "
        f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}\n"
    )
    print(table(rows))
    if not options.names:
        print("\nNot tried: " + "; ".join(f"{kind} ({why})" for kind, why in UNTRIED.items()))
    return 1 if failed else 0


def table(rows: Sequence[Row]) -> str:
    """All rows, in Markdown."""
    lines = [line(_HEAD), line(["---"] * len(_HEAD))]
    return "\n".join([*lines, *(line(_cells(item)) for item in rows)])


def _cells(seen: Row) -> tuple[str, ...]:
    tally, holds = seen.tally, "**NO**" if seen.broken else "yes"
    counts = map(str, (tally.lost.total(), tally.failed.total(), tally.sent))
    times = f"{tally.silence:.1f}", f"{seen.recovery:.1f}"
    return seen.name, *counts, *times, seen.alert, seen.status, seen.mend, holds


if __name__ == "__main__":
    sys.exit(main())
