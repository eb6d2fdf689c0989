"""Note in the audit log that an exemption has ended: once for each end."""

import asyncio
import time

from resolver.metrics.facts import ServerFacts
from resolver.policy.exemption_details import exemption_details
from resolver.policy.moment import ended, ends
from resolver.supervisor.audit_writer import AuditWriter

_LOOK = 1.0
"""Seconds between two looks at the exemptions."""


async def note_ends(facts: ServerFacts, audit: AuditWriter) -> None:
    """Note each end, until cancelled; also those that came while no server ran."""
    noted: set[tuple[str, float]] | None = None
    since = 0.0
    while True:
        terms, now = facts.terms, time.time()
        past = {(id_, until) for id_, until in ends(terms) if ended(until, now)}
        if past and noted is None:
            known, since = await audit.noted_ends()
            noted = set(known)
        if noted is not None and (new := past - noted):
            for exemption in exemption_details(terms):
                if (exemption.id, exemption.until) in new and exemption.until >= since:
                    await audit.ended(exemption)
            noted |= new
        await asyncio.sleep(_LOOK)
