"""The observers of a worker in one object: block log, recording, counts of unknown clients.

The worker makes it once. When an observer starts or stops, the worker calls ``Engine.observe``
again.

A line of the block log: the engine calls ``Observer.decided`` for each verdict by a rule;
``block_records`` makes the line and writes it into a pipe; a thread of the supervisor reads that
(``audit.block_log``), and ``audit.block_log_file`` starts and removes files.
"""

from typing import Final

from resolver.dns.query import Query
from resolver.engine.client import Client
from resolver.metrics.unknown_clients import UnknownClientCounts
from resolver.policy.compiled import CompiledConfig
from resolver.policy.verdict import Outcome, Verdict
from resolver.server.block_records import BlockRecords
from resolver.server.recording import Recording

_LOGGED: Final = (Outcome.BLOCKED, Outcome.WOULD_BLOCK, Outcome.REBINDING)


class Observers:
    """Reports queries to the observers that are active."""

    def __init__(self, block_log: BlockRecords) -> None:
        self.unknown_clients = UnknownClientCounts()
        self.recording: Recording | None = None
        self._block_log = block_log
        self.wants_questions = False
        self.wants_verdicts = False
        self._vlans: tuple[str, ...] = ()

    def follow(self, compiled: CompiledConfig) -> None:
        """Prepare for a snapshot that is about to be put in force."""
        self._vlans = tuple(vlan.name for vlan in compiled.vlans)
        self.wants_verdicts = self._block_log.follow(compiled)

    def record(self, recording: Recording | None, counting: bool) -> bool:
        """Set the recording, and whether to count; whether ``wants_questions`` has changed."""
        changed = self.wants_questions is not counting
        self.recording, self.wants_questions = recording, counting
        return changed

    def asked(self, client: Client, query: Query) -> None:
        """Count the question, if there is a recording."""
        if self.recording is not None and client.view is not None:
            self.recording.count(self._vlans[client.view.vlan], query.name, query.profile.qtype)

    def decided(self, client: Client, query: Query, verdict: Verdict) -> None:
        """Write the query to the block log, if it is blocked, would be blocked or is withheld."""
        if verdict.outcome in _LOGGED:
            self._block_log.write(client, query, verdict)

    def flush(self) -> None:
        """Write the gathered records of the block log."""
        self._block_log.flush()

    def refused(self, address: bytes) -> None:
        """Count the client by its prefix."""
        self.unknown_clients.count(address)
