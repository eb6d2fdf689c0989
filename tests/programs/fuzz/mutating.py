"""Fuzzing without a fuzzer: damage seeds at random, and keep what leads to something new."""

import hashlib
import time
import traceback
from pathlib import Path
from random import Random

from tests.programs.fuzz.mutation import mutated, spliced
from tests.programs.fuzz.outcome import Ran
from tests.programs.fuzz.targets import Target

_POOL = 4000
_LARGEST = 20_000
_TOO_SLOW = 1.0
"""Seconds that no input of this size may take, however busy the machine is."""


def fuzz(target: Target, seeds: list[bytes], seconds: float, seed: int, save: Path) -> Ran:
    """Run a target on its seeds and then on what mutations make of them."""
    random = Random(seed)
    pool = list(seeds)
    outcomes = set()
    failures: dict[str, Path] = {}
    executions = 0
    end = time.monotonic() + seconds
    fresh = iter(seeds)
    while time.monotonic() < end:
        data = next(fresh, None)
        if data is None:
            data = _next(random, pool)
        executions += 1
        began = time.monotonic()
        try:
            outcome = target(data)
        except Exception as error:
            _fail(_where(error), data, failures, save)
            continue
        if time.monotonic() - began > _TOO_SLOW:
            _fail(f"took more than {_TOO_SLOW} s", data, failures, save)
        if outcome not in outcomes:
            outcomes.add(outcome)
            if len(pool) < _POOL and len(data) <= _LARGEST:
                pool.append(data)
    return Ran(executions, f"{len(outcomes):,} outcomes told apart", failures)


def _next(random: Random, pool: list[bytes]) -> bytes:
    data = random.choice(pool)
    if random.random() < 0.2:
        data = spliced(random, data, random.choice(pool))
    return mutated(random, data)[:_LARGEST]


def _where(error: Exception) -> str:
    """What failed and where, so that one fault is told once."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {error}"[:200]


def _fail(what: str, data: bytes, failures: dict[str, Path], save: Path) -> None:
    key = what.partition(": ")[0]
    if key in failures:
        return
    save.mkdir(parents=True, exist_ok=True)
    path = save / f"crash-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    failures[key] = path
