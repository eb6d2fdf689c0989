"""Follows resolv.conf: where it names other servers, these are asked from then on."""

import asyncio
from collections.abc import Callable
from typing import Final

from resolver.metrics.part import Part
from resolver.supervisor.rollout import Rollout
from resolver.system.log import log
from resolver.upstream.addresses import RESOLV_CONF

_LOOK: Final = 2.0
"""Seconds between two looks at resolv.conf."""


class ResolvConf(Part):
    """The watch over resolv.conf."""

    def __init__(self, rollout: Rollout, changed: Callable[[], None]) -> None:
        """``changed`` is called when other servers are asked."""
        self._rollout = rollout
        self._changed = changed

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            hosts = self._rollout.current.hosts
            if hosts.look():
                named = ", ".join(map(str, hosts.system))
                log.info("%s names other servers, which are asked now: %s", RESOLV_CONF, named)
                self._rollout.send_upstreams()
                self._changed()
