"""Note in the audit log that an exemption has ended: once for each end."""

import asyncio
import time

from resolver.metrics.facts import ServerFacts
from resolver.metrics.status import exemption_details
from resolver.supervisor.reload import Reloader

_LOOK = 1.0
"""Seconds between two looks at the exemptions."""


class ExemptionEnds:
    """Watches the exemptions of the policy in force."""

    def __init__(self, facts: ServerFacts, reloader: Reloader) -> None:
        self._facts = facts
        self._reloader = reloader

    async def run(self) -> None:
        """Note each end, until cancelled; also those that came while no server ran."""
        noted: set[tuple[str, float]] | None = None
        while True:
            terms, now = self._facts.terms, time.time()
            ended = {(each.id, each.until) for each in terms.exemptions if each.until <= now}
            if ended and noted is None:
                noted = await self._reloader.noted_ends()
            if noted is not None and ended - noted:
                for exemption in exemption_details(terms):
                    if (exemption.id, exemption.until) in ended - noted:
                        await self._reloader.ended(exemption)
                noted |= ended
            await asyncio.sleep(_LOOK)
