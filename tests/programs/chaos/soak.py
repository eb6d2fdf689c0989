"""``python -m tests.programs.chaos.soak``: faults at random for minutes, and the memory meanwhile.

One server lives through it. Reloads, exemptions, killed workers and faults of the upstreams, of the
config and of the list server follow each other, from a seed that is printed. Every question is
counted. The oldest worker is never killed: after a warm-up, its memory and descriptors must not
grow with the queries, nor the supervisor's memory with time. The warm-up has each kind of fault but
killed workers, so that no first time is measured: the heap of a worker is largest while hundreds of
queries wait for an upstream that hangs. It has no pauses, and repeats each fault: a heap grows
fastest at first.
"""

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter

import resolver
from tests.programs.chaos.faults import FAULTS, Bounds, Fault
from tests.programs.chaos.growth import Growth
from tests.programs.chaos.load import Load
from tests.programs.chaos.rows import Pace, suffer
from tests.programs.chaos.system import System, system
from tests.programs.chaos.tally import joined

_FULL = 20_000
"""Questions that fill the cache of each worker."""
_QUERIES = 50_000
"""After each fault."""
_SHARES = {
    "reload": 6,
    "exemption": 4,
    "worker-killed": 2,
    "upstream-hung": 1,
    "upstream-flapping": 1,
    "upstream-forged": 1,
    "upstream-lying": 1,
    "upstream-slow": 1,
    "upstream-refusing": 1,
    "upstream-unsolicited": 1,
    "one-upstream-hung": 1,
    "config-broken": 1,
    "list-server-failing": 1,
}
_EXEMPTION = Fault("exemption", "the exempt client is served at once", Bounds(), System.exempt)
_QUIET = 6.0
"""Seconds after each fault, in which a new worker fills its cache."""
_FAULTS = {fault.name: fault for fault in (*FAULTS, _EXEMPTION)}
_CHANGES = ("reload", "exemption", "reload", "exemption", "config-broken", "list-server-failing")
_OF_UPSTREAM = tuple(name for name in _SHARES if name.startswith("upstream-"))


def main() -> int:
    """Run, print, and the exit code: 1 where something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long (default: 20)")
    parser.add_argument("--warm-up", type=int, default=50, help="rounds of changes (default: 50)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of all chance")
    parser.add_argument("--rate", type=int, default=Pace().rate, help="questions a second")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    print(
        f"{resolver.build()}, seed {options.seed}, {options.rate} questions a second, "
        f"{options.minutes:g} minutes, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    pace, seconds = Pace(rate=options.rate, after=_QUIET), options.minutes * 60
    with system(options.seed, options.rate) as (whole, load):
        time.sleep(pace.warm)
        whole.spared = whole.workers()[0]
        warm_up = _CHANGES * options.warm_up + _OF_UPSTREAM * 5
        print(f"warm-up: {len(warm_up)} faults", flush=True)
        for name in warm_up:
            suffer(whole, load, [_FAULTS[name]], Pace(options.rate, before=0.0, after=0.2, burst=0))
        load.burst(_FULL)
        growth, end = Growth(whole, load, [whole.spared]), time.monotonic() + seconds
        happened, broken = _suffer(whole, load, pace, options.seed, growth, end)
    return _report(load, growth, happened, broken)


def _suffer(
    whole: System, load: Load, pace: Pace, seed: int, growth: Growth, until: float
) -> tuple[Counter[str], list[str]]:
    """Let faults happen until a moment: how often each did, and what did not hold."""
    chance = random.Random(seed)
    happened: Counter[str] = Counter()
    broken = []
    while time.monotonic() < until:
        [name] = chance.choices(list(_SHARES), list(_SHARES.values()))
        happened[name] += 1
        row = suffer(whole, load, [_FAULTS[name]], pace)
        excused = " (busy machine)" * row.may_be_excused
        for text in (*row.broken, *row.late, *growth.sample(_QUERIES)):
            print(f"FAIL {name}: {text}{excused}", flush=True)
            broken += [f"{name}: {text}"] * (not excused)
        whole.forget()
    return happened, broken


def _report(load: Load, growth: Growth, happened: Counter[str], broken: list[str]) -> int:
    """Print the result."""
    total = joined(load.tallies)
    broken += growth.broken()
    print(f"\nfaults: {', '.join(f'{count} {name}' for name, count in happened.most_common())}")
    print(f"sent {total.sent}, answered {total.answered}, SERVFAIL {total.failed.total()}")
    lost = f"{total.lost['UDP']} over UDP, {total.lost['TCP']} over TCP"
    print(f"lost {lost}; wrong {len(total.wrong)}")
    print(f"longest silence {total.silence:.2f} s, load {os.getloadavg()[0]:.1f}\n")
    print("\n".join([growth.table(), "", *total.wrong[:10], *broken]))
    holds = not broken and not total.wrong
    print("holds" if holds else "DOES NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
