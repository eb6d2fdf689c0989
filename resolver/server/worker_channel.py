"""The channel between supervisor and worker: one JSON object a line, in both directions.

From the supervisor:
- ``prepare``: load a snapshot (with the counters to use, and the upstream servers). The reply is
  ``prepared``, or ``refused`` with the reason.
- ``commit``: put the prepared snapshot in force. The reply is ``committed``.
- ``forget``: drop the prepared snapshot.
- ``upstreams``: use these upstream servers, which have changed, and these counters.
- ``flush``: remove names from the cache. The reply is ``flushed``.
- ``cached``: send what the cache has for a question. The reply has the same name.
- ``last_query``: send when an address asked last. The reply has the same name.
- ``unknown_clients``: send the counts of refused clients. The reply has the same name.
- ``decide``: decide the expectations of the snapshot in force. The reply is ``decided``.
- ``certificate``: present this certificate in DNS over TLS. It comes before the first ``prepare``.
- ``drain``: say in replies to health checks whether clients should ask another node.
- ``link``: names abroad get no answer, or get one again.
- ``record``: count questions for an owner, or stop counting, and send the counts. The reply is
  ``recorded``.

If one end closes the channel, its process has ended. A worker then ends too.
"""

import asyncio
import json
import socket
from typing import Any, Final, TypedDict

from resolver.upstream.server_address import ServerAddress

LIMIT: Final = 64 << 20
"""The longest line in octets. A ``CounterMap`` of many VLANs is long."""


class WorkerMessage(TypedDict, total=False):
    """A message; each type uses some of the other keys."""

    type: str
    snapshot: str
    reason: str
    counter_map: dict[str, Any]
    """The fields of a ``CounterMap``."""
    groups: dict[str, list[ServerAddress]]
    zone: str
    """A name in hexadecimal wire form."""
    key: str
    """The key of a question (``exchange.question``) in hexadecimal."""
    response: str
    """A response in hexadecimal; empty for none."""
    age: int
    left: int
    """Both in seconds, as in ``analysis.cached_reply.CachedAnswer``."""
    filter: str
    """The address of the national filter in a response, in hexadecimal; empty without one."""
    address: str
    """The address of a client, as ``system.interfaces.origin_of`` has it, in hexadecimal."""
    last: float
    """When the address asked last, in Unix time; ``-Infinity`` if it did not."""
    since: float
    """Since when the worker remembers, in Unix time."""
    pem: str
    """A certificate with its chain and its key."""
    draining: bool
    is_abroad_silent: bool
    entries: int
    prefixes: list[tuple[str, int]]
    """Prefixes of unknown clients, with their counts."""
    missed: int
    decisions: list[tuple[str, str] | None]
    """As in ``engine.decisions``."""
    owner: str
    counting: bool
    max_rows: int
    rows: list[tuple[str, str, int, int]]
    """VLAN, name (as in ``zone``), type, count."""
    left_out: dict[str, int]
    more: bool
    begun: bool
    """Whether the worker has just begun to count for this owner."""


class Channel:
    """One end of a channel."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> "Channel":
        """Make a channel of one end of a socket pair."""
        return cls(*await asyncio.open_unix_connection(sock=end, limit=LIMIT))

    def send(self, message: WorkerMessage) -> None:
        """Send a message. If the other process has ended, only ``receive`` shows it."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")

    async def receive(self) -> WorkerMessage | None:
        """The next message; None if the other process has ended."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        if not line:
            return None
        message: WorkerMessage = json.loads(line)
        return message

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
