"""Optional observers of query outcomes, besides the counters.

The block log observes blocked queries, ``darban record`` questions, ``darban status`` refused
clients, and ``darban explain`` the verdict.

What must stay true:
- An observer changes no reply.
"""

from typing import Protocol

from resolver.dns.query import Query
from resolver.engine.client import Client
from resolver.policy.verdict import Verdict


class Observer(Protocol):
    """Called by the engine while it answers a packet."""

    wants_questions: bool
    """Whether to call ``asked``."""
    wants_verdicts: bool
    """Whether to call ``decided``."""

    def asked(self, client: Client, query: Query) -> None:
        """Observe a question from a client in a VLAN, if it can be answered."""

    def decided(self, client: Client, query: Query, verdict: Verdict) -> None:
        """Observe a verdict that a rule decided: blocked, would be blocked, or exempted.

        If the rule covers a target, the verdict has the target.
        """

    def refused(self, address: bytes) -> None:
        """Observe that an unknown client (in no VLAN) was refused."""
