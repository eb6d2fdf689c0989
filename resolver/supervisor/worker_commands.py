"""The control commands that every worker takes part in.

``record`` says who asks (``owner``) with every request, so that two ``darban record`` never take
each other's counts. The supervisor keeps no counts: the workers hold them until the command takes
them, and forget them when the command stops asking.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf

from resolver.dns import names
from resolver.dns.render import PROFILE_KEY
from resolver.metrics.part import Answer, Command, Part, Request
from resolver.metrics.unknown_clients import UnknownClients, merged
from resolver.server.recording import LEASE
from resolver.supervisor.rollout import Rollout
from resolver.supervisor.worker_pool import WorkerPool
from resolver.system.interfaces import origin_of

_MOST_UNKNOWN = 20
"""Prefixes of unknown clients in an answer."""
_ROWS = 8192
"""Rows in an answer to ``record``, of all workers together."""


class WorkerCommands(Part):
    """Sends a command to all workers, and makes one answer of their replies."""

    def __init__(self, pool: WorkerPool, rollout: Rollout) -> None:
        self._pool = pool
        self._rollout = rollout
        self._owner = ""
        self._owned_until = 0.0

    def commands(self) -> Mapping[str, Command]:
        """``flush``, ``cached``, ``last-query``, ``unknown``, ``drain`` and ``record``."""
        return {
            "cached": self.cached,
            "flush": self.flush,
            "last-query": self.last_query,
            "unknown": self.unknown,
            "drain": self.drain,
            "record": self.record,
        }

    async def flush(self, request: Request) -> Answer:
        """Remove a name and all names below it from every cache."""
        try:
            zone = names.parse(str(request.get("name", "")))
        except names.InvalidName as error:
            return {"error": str(error)}
        replies = await self._pool.request({"type": "flush", "zone": zone.hex()}, "flushed")
        return {"entries": sum(reply["entries"] for reply in replies)}

    async def cached(self, request: Request) -> Answer:
        """What the cache of each worker has for the question of a key, in hexadecimal."""
        key = str(request.get("key", ""))
        if not _is_key(key):
            return {"error": "a look-up in the caches needs the key of a question"}
        replies = await self._pool.request({"type": "cached", "key": key}, "cached")
        return {"caches": replies}

    async def last_query(self, request: Request) -> Answer:
        """When an address asked last, and since when all workers remember: whole minutes.

        The memory of a worker that does not answer begins anew, once the next one serves.
        """
        try:
            address = origin_of(str(request.get("address", ""))).hex()
        except (ValueError, OSError) as error:
            return {"error": str(error)}
        replies = await self._pool.request({"type": "last_query", "address": address}, "last_query")
        last = max((reply["last"] for reply in replies), default=-inf)
        since = max((reply["since"] for reply in replies), default=0.0)
        if len(replies) < len(self._pool.slots):
            since = time.time()
        return {"last": None if last == -inf else _minute(last), "since": _minute(since)}

    async def unknown(self, _: Request) -> Answer:
        """The prefixes of unknown clients that were refused most often."""
        replies = await self._pool.request({"type": "unknown_clients"}, "unknown_clients")
        counts = (UnknownClients(tuple(reply["prefixes"]), reply["missed"]) for reply in replies)
        return merged(counts, _MOST_UNKNOWN)._asdict()

    async def drain(self, request: Request) -> Answer:
        """Let health checks fail from now on, or succeed again."""
        draining = request.get("draining") is True
        self._pool.drain(draining)
        return {"draining": draining}

    async def record(self, request: Request) -> Answer:
        """Count names for an owner, or stop counting, and hand over what was counted."""
        owner, counting = str(request.get("owner", "")), request.get("counting") is True
        now = time.monotonic()
        if not owner:
            return {"error": "a recording needs an owner"}
        if self._owner not in ("", owner) and now < self._owned_until:
            return {"error": "another 'darban record' is at work; one at a time"}
        self._owner, self._owned_until = owner, now + LEASE
        replies = await self._pool.request(
            {
                "type": "record",
                "owner": owner,
                "counting": counting,
                "max_rows": max(1, _ROWS // max(1, self._pool.serving)),
            },
            "recorded",
        )
        more = any(reply["more"] for reply in replies)
        if not counting and not more:
            self._owner = ""
        left_out: Counter[str] = Counter()
        for reply in replies:
            left_out.update(reply["left_out"])
        return {
            "vlans": [vlan.name for vlan in self._rollout.current.compiled.vlans],
            "rows": [row for reply in replies for row in reply["rows"]],
            "left_out": left_out,
            "more": more,
            "begun": sum(reply["begun"] for reply in replies),
        }


def _minute(wall: float) -> str:
    """A moment in UTC, to the minute: a record of persons has no seconds."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="minutes")


def _is_key(text: str) -> bool:
    """Whether a text is the key of a question, in hexadecimal."""
    with contextlib.suppress(ValueError, IndexError):
        key = bytes.fromhex(text)
        return len(key) >= len(names.first_in(key)) + PROFILE_KEY
    return False
