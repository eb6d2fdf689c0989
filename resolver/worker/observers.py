"""The one witness of a worker: whoever wants to hear of queries is a part of it.

The worker makes it at its start and keeps it; when a part is switched on or off the worker
has the resolver attend to it again.
"""

from resolver.dns.query import Query
from resolver.engine.client import Client
from resolver.policy.compiled import Terms
from resolver.policy.unknown_clients import UnknownClientCounts
from resolver.policy.verdict import Outcome, Verdict
from resolver.worker.block_records import BlockRecords
from resolver.worker.recording import Recording


class Observers:
    """Hears what becomes of queries and tells its parts."""

    def __init__(self, block_log: BlockRecords) -> None:
        self.strangers = UnknownClientCounts()
        self.recording: Recording | None = None
        self._block_log = block_log
        self.wants_questions = False
        self.wants_verdicts = False
        self._vlans: tuple[str, ...] = ()

    def follow(self, terms: Terms) -> None:
        """Hear what the parts want under this snapshot, which is about to be put in force."""
        self._vlans = tuple(vlan.name for vlan in terms.vlans)
        self.wants_verdicts = self._block_log.follow(terms)

    def record(self, recording: Recording | None, counting: bool) -> bool:
        """Hold a recording and count there, or no more; whether that is another wish."""
        changed = self.wants_questions is not counting
        self.recording, self.wants_questions = recording, counting
        return changed

    def asked(self, client: Client, query: Query) -> None:
        """Count the question where somebody records."""
        if self.recording is not None and client.view is not None:
            self.recording.count(self._vlans[client.view.vlan], query.name, query.shape.qtype)

    def decided(self, client: Client, query: Query, verdict: Verdict) -> None:
        """Write a query that was blocked, or would have been, to the block log."""
        if verdict.outcome in (Outcome.BLOCKED, Outcome.WOULD_BLOCK):
            self._block_log.write(client, query, verdict)

    def flush(self) -> None:
        """Write what has gathered for the block log."""
        self._block_log.flush()

    def refused(self, address: bytes) -> None:
        """Count who it was by its prefix."""
        self.strangers.count(address)
