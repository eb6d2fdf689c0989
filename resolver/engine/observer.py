"""Optional observers of query outcomes, besides the counters.

The block log wants every blocked query, ``darban record`` every question, the status the
clients that are refused, and ``darban explain`` the verdict.

What must stay true:
- An observer only observes: with any or none of them, every reply is the same.
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
        """Note that a client of a VLAN has asked a question that can be answered."""

    def decided(self, client: Client, query: Query, verdict: Verdict) -> None:
        """Note the verdict of a query by a rule: blocked, would be blocked, or exempted.

        The verdict names the target, where the rule covers one.
        """

    def refused(self, address: bytes) -> None:
        """Note that a client that no VLAN holds was refused."""


class NullObserver:
    """An observer that wants nothing."""

    def __init__(self) -> None:
        self.wants_questions = False
        self.wants_verdicts = False

    def asked(self, client: Client, query: Query) -> None:
        """Ignore it."""

    def decided(self, client: Client, query: Query, verdict: Verdict) -> None:
        """Ignore it."""

    def refused(self, address: bytes) -> None:
        """Ignore it."""
