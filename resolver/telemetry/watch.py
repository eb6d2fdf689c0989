"""The one witness of a worker: whoever wants to hear of queries is a part of it.

The worker makes it at its start and keeps it; when a part is switched on or off the worker
has the resolver attend to it again.
"""

from collections.abc import Sequence

from resolver.dns.query import Query
from resolver.policy.snapshot import Vlan
from resolver.policy.strangers import StrangerCounts
from resolver.policy.verdict import Verdict
from resolver.policy.view import View
from resolver.telemetry.recording import Recording


class Watch:
    """Hears what becomes of queries and tells its parts."""

    def __init__(self) -> None:
        self.strangers = StrangerCounts()
        self.recording: Recording | None = None
        self.wants_questions = False
        self.wants_blocks = False
        self._vlans: tuple[str, ...] = ()

    def follow(self, vlans: Sequence[Vlan]) -> None:
        """Call VLANs from now on as the snapshot does that has come in force."""
        self._vlans = tuple(vlan.name for vlan in vlans)

    def record(self, recording: Recording | None, counting: bool) -> bool:
        """Hold a recording and count there, or no more; whether that is another wish."""
        changed = self.wants_questions is not counting
        self.recording, self.wants_questions = recording, counting
        return changed

    def asked(self, view: View, query: Query) -> None:
        """Count the question where somebody records."""
        if self.recording is not None:
            self.recording.count(self._vlans[view.vlan], query.name, query.qtype)

    def blocked(self, address: str, view: View, query: Query, verdict: Verdict) -> None:
        """Nobody wants to hear of it."""

    def refused(self, address: str) -> None:
        """Count who it was by its prefix."""
        self.strangers.count(address)
