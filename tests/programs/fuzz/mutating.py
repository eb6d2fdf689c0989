"""Fuzzing without a fuzzer: damage seeds at random, and keep what leads to something new."""

import math
import time
import traceback
from collections.abc import Collection
from pathlib import Path
from random import Random

from tests.programs.fuzz.mutation import mutated, spliced
from tests.programs.fuzz.outcome import Failure, Ran
from tests.programs.fuzz.targets import Target

_POOL = 4000
_LARGEST = 20_000
_TOO_SLOW = 1.0
"""Seconds of a core that no input of this size may take."""


def fuzz(
    target: Target,
    seeds: Collection[bytes],
    seed: int,
    *,
    seconds: float = math.inf,
    at_most: float = math.inf,
) -> Ran:
    """Run a target on its seeds and then on mutations of them, for a time or so many times."""
    random = Random(seed)
    pool = list(seeds)
    outcomes = set()
    failures: dict[str, Failure] = {}
    executions = 0
    end = time.monotonic() + seconds
    fresh = iter(seeds)
    while time.monotonic() < end and executions < at_most:
        data = next(fresh, None)
        if data is None:
            data = _next(random, pool)
        executions += 1
        began = time.process_time()
        try:
            outcome = target(data)
        except Exception as error:
            failures.setdefault(_where(error), Failure(f"{_where(error)}: {error}", data))
            continue
        if time.process_time() - began > _TOO_SLOW:
            failures.setdefault("time", Failure(f"took more than {_TOO_SLOW} s of a core", data))
        if outcome not in outcomes:
            outcomes.add(outcome)
            if len(pool) < _POOL and len(data) <= _LARGEST:
                pool.append(data)
    return Ran(executions, f"{len(outcomes):,} different outcomes", list(failures.values()))


def _next(random: Random, pool: list[bytes]) -> bytes:
    data = random.choice(pool)
    if random.random() < 0.2:
        data = spliced(random, data, random.choice(pool))
    return mutated(random, data)[:_LARGEST]


def _where(error: Exception) -> str:
    """What failed and where, so that one fault is reported once."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
