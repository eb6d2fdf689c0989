"""``python -m tests.programs.chaos.soak``: faults at random for minutes, and the memory meanwhile.

One server lives through it. Reloads, exemptions, killed workers and faults of the upstream, of the
config and of the list server follow each other, from a seed that is printed. Every question is
counted. The oldest worker is never killed: after a warm-up, its memory and the supervisor's must
not grow. The warm-up has each kind of fault but killed workers, so that no first time is measured:
the heap of a worker is largest while hundreds of queries wait for an upstream that hangs.
"""

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter

from tests.programs.chaos.faults import FAULTS, Bounds, Fault
from tests.programs.chaos.load import Load
from tests.programs.chaos.memory import MemoryOverTime, slope
from tests.programs.chaos.rows import Pace, line, suffer
from tests.programs.chaos.system import System, system
from tests.programs.chaos.tally import joined

MOST_MEMORY = 1.0
"""MiB in 20 minutes, of supervisor and worker together."""
_PERIOD = 1200.0
_SHARES = {
    "reload": 6,
    "exemption": 4,
    "worker-killed": 2,
    "upstream-hung": 1,
    "upstream-flapping": 1,
    "upstream-forged": 1,
    "upstream-lying": 1,
    "upstream-slow": 1,
    "config-broken": 1,
    "list-server-failing": 1,
}
_EXEMPTION = Fault("exemption", "the exempt client is served at once", Bounds(), System.exempt)
_QUIET = 6.0
"""Seconds after each fault, in which a new worker fills its cache."""
_FAULTS = {fault.name: fault for fault in (*FAULTS, _EXEMPTION)}
_CHANGES = ("reload", "exemption", "reload", "exemption", "config-broken", "list-server-failing")
_OF_UPSTREAM = tuple(name for name in _SHARES if name.startswith("upstream-"))
_WARM_UP = _CHANGES * 50 + _OF_UPSTREAM * 5
"""Without pauses. Each fault is repeated, since a heap grows fastest at first."""


def main() -> int:
    """Run, print, and the exit code: 1 where something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long (default: 20)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of all chance")
    parser.add_argument("--rate", type=int, default=Pace().rate, help="questions a second")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    print(
        f"seed {options.seed}, {options.rate} questions a second, {options.minutes:g} minutes, "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    pace, seconds = Pace(rate=options.rate, after=_QUIET), options.minutes * 60
    with system(options.seed, options.rate) as (whole, load):
        time.sleep(pace.warm)
        whole.spared = whole.workers()[0]
        print(f"warm-up: {len(_WARM_UP)} faults", flush=True)
        for name in _WARM_UP:
            suffer(whole, load, [_FAULTS[name]], Pace(options.rate, before=0.0, after=0.2))
        watched = {"supervisor": whole.server.pid, "oldest worker": whole.spared}
        began = time.monotonic()
        with MemoryOverTime(watched) as memory:
            happened, broken = _suffer(whole, load, pace, options.seed, began + seconds)
    return _report(load, memory, happened, broken)


def _suffer(
    whole: System, load: Load, pace: Pace, seed: int, until: float
) -> tuple[Counter[str], list[str]]:
    """Let faults happen until a moment: how often each did, and what did not hold."""
    chance = random.Random(seed)
    happened: Counter[str] = Counter()
    broken = []
    while time.monotonic() < until:
        [name] = chance.choices(list(_SHARES), list(_SHARES.values()))
        happened[name] += 1
        row = suffer(whole, load, [_FAULTS[name]], pace)
        broken += [f"{name}: {text}" for text in row.broken + row.late]
        for text in row.broken + row.late:
            print(f"FAIL {name}: {text}", flush=True)
        whole.forget()
    return happened, broken


def _report(load: Load, memory: MemoryOverTime, happened: Counter[str], broken: list[str]) -> int:
    """Print what came of it."""
    total = joined(load.tallies)
    print(f"\nfaults: {', '.join(f'{count} {name}' for name, count in happened.most_common())}")
    print(f"sent {total.sent}, answered {total.answered}, SERVFAIL {total.failed.total()}")
    lost = f"{total.lost['UDP']} over UDP, {total.lost['TCP']} over TCP"
    print(f"lost {lost}; wrong {len(total.wrong)}")
    print(f"longest silence {total.silence:.2f} s, load {os.getloadavg()[0]:.1f}\n")
    print(line(("memory", "first MiB", "last MiB", "least", "most", "slope in 20 minutes, MiB")))
    print(line(["---"] * 6))
    grows = 0.0
    for name, samples in memory.together().items():
        values = [value for _, value in samples]
        grows = slope(samples, _PERIOD)
        figures = (values[0], values[-1], min(values), max(values))
        print(line((name, *(f"{each:.2f}" for each in figures), f"{grows:+.2f}")))
    print("\n".join(["", *total.wrong[:10], *broken]))
    holds = not broken and not total.wrong and grows <= MOST_MEMORY
    print("holds" if holds else "DOES NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
