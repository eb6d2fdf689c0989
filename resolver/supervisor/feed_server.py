"""Serves address lists to firewalls, where the config has ``[feeds] listen``.

What must stay true:
- No list is served while it may be wrong: a firewall goes on with its last copy.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from resolver.metrics import kernel
from resolver.metrics.part import Part
from resolver.metrics.part_states import PartStates, SelfTestState
from resolver.metrics.served_config import ServedConfig
from resolver.policy.moment import depends_on_clock
from resolver.snapshot.clock_note import CLOCK_IS_BEHIND, clock_is_behind
from resolver.supervisor.http_socket import HttpSocket


class FeedServer(Part):
    """The HTTP server of the feeds."""

    waits_for_config = True  # until then, a stored policy is in force that may be old

    def __init__(
        self,
        sockets: Sequence[HttpSocket],
        config: ServedConfig,
        states: Callable[[], PartStates],
    ) -> None:
        self._sockets = sockets
        self._config = config
        self._states = states

    async def run(self) -> None:
        """Serve until cancelled; nothing without a listener."""
        if not self._sockets:
            return
        from resolver.supervisor import feeds_over_http  # slow to import, so after the start
        from resolver.web.listener import listen

        feeds = feeds_over_http.FeedFiles(self._config)

        async def serve(http_socket: HttpSocket) -> None:
            app = feeds_over_http.application(feeds, self._not_served)
            await listen(app, await http_socket.opened())

        await asyncio.gather(*map(serve, self._sockets))

    def _not_served(self) -> str:
        """Why no list can be trusted now; empty where they can be."""
        now, synchronised = time.time(), kernel.clock_synchronised()
        if depends_on_clock(self._config.compiled, now) and clock_is_behind(
            self._config.state, now, synchronised=synchronised
        ):
            return f"{CLOCK_IS_BEHIND}."
        if self._states().of(SelfTestState).wrong_decisions:  # also until it is tested again
            return "A worker decides otherwise than an expectation of the config says."
        return ""
