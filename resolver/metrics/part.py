"""A part of the server beside DNS: a task, commands, and its own state.

The supervisor has the list of all parts (``supervisor.supervisor``).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

Request = dict[str, object]
Answer = dict[str, Any]
Command = Callable[[Request], Awaitable[Answer]]


class Part:
    """What the supervisor asks of every part; a part overrides what it has."""

    waits_for_config = False
    """Whether ``run`` begins only once the config on disk was tried. Else what this part changes
    would hide what is wrong with it: a damaged list would be fetched anew, and not be reported."""

    async def run(self) -> None:
        """Work until cancelled, or until there is nothing to do."""

    def commands(self) -> Mapping[str, Command]:
        """The commands of the control socket that it serves, by their names."""
        return {}

    def after_reload(self) -> None:
        """Follow what is in force now; called after each reload, whatever its result."""

    def states(self) -> Iterable[object]:
        """What metrics and status show of it, as values that never change (``metrics``)."""
        return ()
