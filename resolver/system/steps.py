"""How code that takes long says what it does: it calls a function that it is given."""

from collections.abc import Callable
from contextlib import AbstractContextManager

Step = Callable[[str], None]
"""Says what is done from now on, such as "reading lists/telegram.txt"."""
Showing = Callable[[str], AbstractContextManager[object]]
"""Shows what is done while the context is open."""


def unseen(_: str) -> None:
    """The step where nobody looks on."""
