"""When each address asked last: one moment for an address, in memory alone.

It says whether a machine asks here at all. It has no name, no type and no answer. Clients end with
each generation, as at a reload; this lasts as long as the engine.

What must stay true:
- ``since`` is never earlier than what is remembered: where a memory is emptied, it begins anew.
- A ``LastQuery`` that a client holds is remembered: who empties a memory drops the clients, too.
- A memory is bounded. Addresses in no VLAN have one of their own, and cannot evict the others.
"""

import math
from typing import Final

MAX_ADDRESSES: Final = 65536
"""Where so many are remembered, one more clears the memory."""
NEVER: Final = -math.inf


class LastQuery:
    """When an address asked last, in monotonic seconds."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = NEVER


class LastQueries:
    """The last queries of addresses; a link-local one has its scope."""

    def __init__(self) -> None:
        self.since = math.inf
        """When the memory begins, in monotonic seconds; infinite until the next ``set_time``."""
        self._by_address: dict[bytes, LastQuery] = {}

    def set_time(self, now: float) -> None:
        """Let the memory begin by now."""
        self.since = min(self.since, now)

    def clear(self) -> None:
        """Begin anew; the caller drops the clients with these addresses."""
        self._by_address.clear()
        self.since = math.inf

    def has_room(self, address: bytes) -> bool:
        """Whether an address is remembered, or can be."""
        return len(self._by_address) < MAX_ADDRESSES or address in self._by_address

    def of(self, address: bytes) -> LastQuery:
        """The last query of an address, to be kept by its client."""
        return self._by_address.setdefault(address, LastQuery())

    def at(self, address: bytes) -> float:
        """When an address asked last, as far as is known; ``NEVER`` if it did not."""
        last = self._by_address.get(address)
        return NEVER if last is None else last.at
