"""What comes of fuzzing."""

from pathlib import Path
from typing import NamedTuple


class Ran(NamedTuple):
    """What came of fuzzing a target."""

    executions: int
    reached: str
    """How much of the target was reached, as far as that can be told."""
    failures: dict[str, Path]
    """One input, saved, for each failure that was told apart."""
