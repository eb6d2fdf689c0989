"""The one witness of a worker: whoever wants to hear of queries is a part of it.

The worker makes it at its start and keeps it; when a part is switched on or off the worker
has the resolver attend to it again.
"""

from resolver.dns.query import Query
from resolver.policy.strangers import StrangerCounts
from resolver.policy.verdict import Verdict
from resolver.policy.view import View


class Watch:
    """Hears what becomes of queries and tells its parts."""

    def __init__(self) -> None:
        self.strangers = StrangerCounts()
        self.wants_questions = False
        self.wants_blocks = False

    def asked(self, view: View, query: Query) -> None:
        """Nobody wants to hear of it."""

    def blocked(self, address: str, view: View, query: Query, verdict: Verdict) -> None:
        """Nobody wants to hear of it."""

    def refused(self, address: str) -> None:
        """Count who it was by its prefix."""
        self.strangers.count(address)
