"""Which of the box's recorded names a new snapshot blocks, and the one in force does not.

Runs as a program: it is given the directories of both snapshots and the file that ``darban record
--keep`` has written, and prints what ``NewlyBlocked`` holds as one JSON object.
"""

import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from resolver import DarbanError
from resolver.analysis.explanation import Explainer
from resolver.analysis.queries import detect
from resolver.analysis.replay import Replay
from resolver.dns import names
from resolver.policy.verdict import Outcome
from resolver.snapshot import store
from resolver.system.child_main import work_once

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class NewlyBlocked:
    """The result of a replay."""

    names: int = 0
    """Different names that are blocked newly."""
    first: tuple[str, ...] = ()
    """The names that were asked most, each with its VLAN."""
    problem: str = ""
    """Why the recorded questions could not be replayed; empty where they were."""


def newly_blocked(old: Path, new: Path, questions: Path, now: float) -> NewlyBlocked:
    """Replay the recorded questions under two snapshots at one moment."""
    try:
        counts = detect.read(questions.read_bytes())
        before, after = (Explainer(*store.load(directory), now) for directory in (old, new))
    except OSError as error:
        return NewlyBlocked(problem=f"{questions}: {error.strerror}")
    except DarbanError as error:
        return NewlyBlocked(problem=f"{questions}: {error}")
    replay = Replay(before, after)
    replay.run(counts.counts)
    blocked: Counter[tuple[bytes, str]] = Counter()
    for change, queries in replay.changes.items():
        if change.new == Outcome.BLOCKED.label:
            for (name, _), times in queries.items():
                blocked[name, change.vlan] += times
    first = tuple(f"{names.text(name)} ({vlan})" for (name, vlan), _ in blocked.most_common(_SHOWN))
    return NewlyBlocked(len({name for name, _ in blocked}), first)


def _compare() -> dict[str, object]:
    """Compare the snapshots on the command line."""
    old, new, questions = (Path(argument) for argument in sys.argv[1:])
    return asdict(newly_blocked(old, new, questions, time.time()))


if __name__ == "__main__":
    work_once(_compare)
