"""The entries of the audit log as the report of a period needs them. Pure.

A log may have 128 MiB, and all its entries several times as many. Of those outside the period only
the time, the event and the exemptions count: they tell what was in force at its begin.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace

from resolver.audit.audit_log import AuditEntry
from resolver.audit.period import Period
from resolver.policy.exemption_details import ExemptionDetails


def period_entries(log: Iterable[AuditEntry], period: Period) -> Iterator[AuditEntry]:
    """The entries without release and hashes; those outside the period without their changes.

    Exemptions that are the same from one to the next are one list.
    """
    exemptions = list[ExemptionDetails]()
    for entry in log:
        exemptions = exemptions if entry.exemptions == exemptions else entry.exemptions
        short = replace(
            entry,
            event=sys.intern(entry.event),
            exemptions=exemptions,
            config="",
            lists="",
            sha256="",
            release="",
        )
        is_in = period.begin <= entry.time < period.end
        yield short if is_in else replace(short, who="", diff="", summary=None)
