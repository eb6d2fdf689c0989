"""Whether the clock may decide which addresses a firewall has, and the note that tells.

DNS decides by the clock as it is. A firewall that gets no lists keeps its last ones, in which an
exemption that has ended meanwhile is still open. So lists stop only where the clock is wrong for
certain: no time server has set it, and it is behind a moment that the server has seen already, as
after a start with an empty battery. That nothing synchronises the clock is no such reason. The
kernel says so some hours after the last time server answered, and a cut of the link abroad lasts
for days.
"""

import contextlib
from pathlib import Path
from typing import Final

from resolver.system.files import write_atomically
from resolver.system.regular_files import read_regular

CLOCK_IS_BEHIND: Final = (
    "the clock is wrong, by which exemptions or hours begin and end: it is behind a moment that "
    "the server has seen, and nothing synchronises it. Set it; if the earlier clock was wrong, "
    "remove latest-time of the state directory"
)
_NOTE: Final = "latest-time"
"""In the state directory: the latest moment that the server has seen, in seconds since 1970."""
_LAG: Final = 300.0
"""Seconds by which the clock may be behind the note: the clock of a board runs slow by less."""
_LONGEST: Final = 32


def clock_is_behind(state: Path, wall: float, *, synchronised: bool | None) -> bool:
    """Whether the clock is wrong for certain; ``wall`` is now, in seconds since 1970.

    ``synchronised`` is as in ``kernel.clock_synchronised``: None where that is unknown.
    """
    return synchronised is False and wall < _noted(state) - _LAG


def note_time(state: Path, wall: float, *, synchronised: bool | None) -> None:
    """Note a moment: an earlier one only where a time server says it."""
    if synchronised or wall > _noted(state):
        with contextlib.suppress(OSError):
            write_atomically(state / _NOTE, f"{int(wall)}\n".encode())


def _noted(state: Path) -> float:
    """The moment; 0 where there is none that can be read."""
    try:
        return float(read_regular(state / _NOTE, _LONGEST))
    except (OSError, ValueError):
        return 0.0
