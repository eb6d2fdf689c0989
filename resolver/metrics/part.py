"""A part of the server beside DNS: a task, commands, and its own state.

The supervisor has the list of all parts (``supervisor.supervisor``).

To add a part:
- A class below ``Part``, in supervisor/ or a package before it, and a line in ``_make_parts`` of
  ``supervisor.supervisor``. ``supervisor.watches`` is a small one. All parts share one loop: what
  blocks goes through ``asyncio.to_thread``. Config and state directory are in ``ServedConfig``.
- What others see: a value of ``Part.states``, whose type is in ``part_states`` with a default for
  each field, or in ``status`` where it is there at some times only (``PartStates.find``). The
  status: a field of ``Status``, filled in by ``status_reader``, shown by ``cli.status_view`` and a
  template in web/templates/status.
- A test in tests/supervisor makes it with nothing but what its constructor asks for.
Nothing fails where no one reads the state of a part.
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
