"""``python -m tests.programs.attacks [NAME...]``: attack the real server, and print the results.

Each attack starts a server and a scripted upstream of its own, on loopback. Without names
all are tried, in some five minutes; a name also stands for all that begin with it. What takes too
long on a busy machine is repeated; what succeeds is not.
"""

import argparse
import platform
import signal
import sys
import time

from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.catalog import ATTACKS
from tests.programs.busy import TRIES, CpuPressure, is_busy


def main() -> int:
    """Attack, print, and the exit code: 1 where an attack has succeeded."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.attacks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which attacks")
    parser.add_argument("--list", action="store_true", help="only say which there are")
    options = parser.parse_args()
    chosen = [attack for attack in ATTACKS if _is_chosen(attack, options.names)]
    if not chosen:
        parser.error("no such attack; --list says which there are")
    if options.list:
        print("\n".join(f"{attack.name:24}{attack.wanted}" for attack in chosen))
        return 0
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    rows = []
    for attack in chosen:
        rows.append((attack, tried(attack)))
    print(table(rows))
    return 0 if all(seen.good for _, seen in rows) else 1


def _is_chosen(attack: Attack, names: list[str]) -> bool:
    return not names or any(
        attack.name == name or attack.name.startswith(f"{name}-") for name in names
    )


def tried(attack: Attack) -> Seen:
    """Try one attack, again where a busy machine may be why it took too long, and print it."""
    for left in reversed(range(TRIES)):
        began, pressure = time.monotonic(), CpuPressure()
        seen = attempt(attack)
        took, busy = time.monotonic() - began, pressure.share
        excused = not seen.good and seen.late and is_busy(busy)
        why = f" (busy machine, {busy:.0%}{': repeated' * bool(left)})" * excused
        print(f"{'ok  ' if seen.good else 'FAIL'} {attack.name}: {seen.text} ({took:.1f} s){why}")
        sys.stdout.flush()
        if not excused:
            break
    return seen


def attempt(attack: Attack) -> Seen:
    """Try one attack, whatever comes of it."""
    try:
        return attack.run()
    except (AssertionError, OSError) as error:  # something did not come about in its time
        return Seen(False, f"{type(error).__name__}: {error}", late=True)


def table(rows: list[tuple[Attack, Seen]]) -> str:
    """What was wanted and what was seen, in Markdown."""
    failed = sum(not seen.good for _, seen in rows)
    lines = [
        "",
        f"{len(rows)} attacks, {failed} succeeded (Linux {platform.release()}, "
        f"Python {platform.python_version()})",
        "",
        "| attack | wanted | seen | holds |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {attack.name} | {attack.wanted} | {seen.text} | {'yes' if seen.good else '**NO**'} |"
        for attack, seen in rows
    ]
    return "\n".join(line.replace("\n", " ") if line else line for line in lines)


if __name__ == "__main__":
    sys.exit(main())
