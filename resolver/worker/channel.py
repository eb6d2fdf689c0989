"""What supervisor and worker say to each other: one JSON object a line, both ways.

Supervisor to worker: ``prepare`` (a snapshot, the cells to count in, the upstream servers),
``commit`` (put the prepared one in force), ``forget`` (it will not be), ``upstreams``
(addresses have changed), ``flush`` (forget answers), ``strangers`` (who was refused),
``record`` (count questions for an owner, or no more, and hand over what was counted). Worker
to supervisor: ``prepared`` or ``refused`` (with the reason), ``committed``, ``flushed``,
``strangers``, ``recorded``. A closed channel means that the other has gone: a worker then ends.
"""

import asyncio
import json
import socket
from typing import TypedDict

from resolver.upstream.server_address import ServerAddress

LIMIT = 64 << 20
"""The longest line, in octets; a plan for many VLANs is long."""


class Message(TypedDict, total=False):
    """One message; ``say`` names it, the rest is as the message needs."""

    say: str
    snapshot: str
    reason: str
    plan: dict[str, object]
    groups: dict[str, list[ServerAddress]]
    zone: str
    """A name in wire form, hexadecimal."""
    entries: int
    strangers: list[tuple[str, int]]
    missed: int
    owner: str
    counting: bool
    most: int
    rows: list[tuple[str, str, int, int]]
    """VLAN, name (as in ``zone``), type, how often."""
    left_out: dict[str, int]
    more: bool
    begun: bool
    """Whether this worker had not been counting for that owner before."""


class Channel:
    """One end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> "Channel":
        """Speak over one end of a socket pair."""
        return cls(*await asyncio.open_unix_connection(sock=end, limit=LIMIT))

    def send(self, message: Message) -> None:
        """Say something; a peer that has gone is noticed by ``receive``."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")

    async def receive(self) -> Message | None:
        """What the other says next; None when it has gone."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        if not line:
            return None
        message: Message = json.loads(line)
        return message

    def close(self) -> None:
        """Say no more."""
        self._writer.close()
