"""What comes of fuzzing."""

from typing import NamedTuple


class Failure(NamedTuple):
    """An input that breaks a promise."""

    what: str
    data: bytes


class Ran(NamedTuple):
    """What came of fuzzing a target."""

    executions: int
    reached: str
    """How much of the target was reached, as far as that can be told."""
    failures: list[Failure]
    """One for each place where it failed."""
