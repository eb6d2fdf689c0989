"""What an attack is: what must hold, how it is tried, and what was seen."""

from collections.abc import Callable
from typing import NamedTuple


class Seen(NamedTuple):
    """The result of an attack."""

    good: bool
    text: str
    """The figures, such as ``0 of 10 poisoned``."""
    late: bool = False
    """Whether nothing is amiss but a time, which a busy machine may have taken."""


class Attack(NamedTuple):
    """One row of the table."""

    name: str
    """What it is called on the command line."""
    wanted: str
    run: Callable[[], Seen]
    """Starts what it needs, attacks it, ends it."""
    quick: bool = True
    """Whether it takes less than 5 s and is run with the ordinary tests."""
