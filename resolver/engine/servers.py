"""The servers of an upstream group: the response time of each, and which to ask next.

Each server has a smoothed round-trip time and its variance (the estimator of RFC 6298 section 2).
They give the time to wait for its answer. Each server also has a count of consecutive time-outs.
After three time-outs it counts as down: other servers are asked first, and one query a second
probes it. If all servers are down, all are still asked. For 15 minutes, a server that gave a lame
answer (a referral, for example) is asked after the others, and a server that does not understand
EDNS is asked without. It counts as such when it has rejected EDNS for two names, and has not
answered with EDNS between them, nor in the 15 minutes before: an error about one name, which it may
pass on from elsewhere, says nothing about others.

What must stay true:
- Only a time-out or an unusable answer counts against a server. A packet that matches no query
  does not count, since anyone can forge it.
"""

from collections.abc import Sequence
from math import inf
from typing import Final

_DOWN_AFTER: Final = 3
"""Consecutive time-outs."""
_PROBE_INTERVAL: Final = 1.0
"""Seconds between two probes of a server that is down."""
_FAULT_KEPT: Final = 900.0
"""Seconds that a server counts as lame, or as one that does not understand EDNS."""
_DECAY: Final = 0.998
"""The round-trip time of a server shrinks by this factor for each query that goes to another
server, so a slow server is asked again later."""
_SILENT_AFTER: Final = 10.0
"""Seconds without an answer after which a server that is down counts as silent. A slow server
answers some query within that time."""
FIRST_WAIT: Final = 0.6
"""Seconds to wait for a server before its first answer."""
_MIN_WAIT: Final = 0.15
_MAX_WAIT: Final = 0.8


class Server:
    """One server of a group, by its address; times are in monotonic seconds."""

    __slots__ = (
        *("address", "edns_until", "lame_until", "name", "only_self", "plain_until", "port"),
        *("probe_at", "rejected", "silent_since", "smoothed", "source", "timeouts", "variance"),
        "wait",
    )

    def __init__(self, address: str, port: int, name: str, source: str = "") -> None:
        self.address = address
        self.port = port
        self.only_self: tuple[Server, ...] = (self,)
        """The servers tried, if this is the first."""
        self.name = name
        """The name in the config; a label of metrics."""
        self.source = source
        """The address of this host that queries to it leave from; empty for any."""
        self.smoothed = 0.0
        """Smoothed round-trip time in seconds; 0 before the first answer."""
        self.variance = 0.0
        self.timeouts = 0
        """Consecutive time-outs."""
        self.silent_since = 0.0
        """The time of the first of these time-outs."""
        self.probe_at = 0.0
        """The time of the next probe, if the server is down."""
        self.lame_until = 0.0
        """Until then, other servers are asked first."""
        self.plain_until = 0.0
        """Until then, it is asked without EDNS."""
        self.edns_until = 0.0
        """Until then, it is known to understand EDNS."""
        self.rejected = b""
        """The last name for which it rejected EDNS; empty if it has answered with EDNS since."""
        self.wait = FIRST_WAIT
        """Seconds to wait for an answer."""

    @property
    def tried(self) -> bool:
        """Whether it has answered a query, or a query to it has timed out."""
        return bool(self.smoothed or self.timeouts)

    @property
    def up(self) -> bool:
        """Whether fewer than three consecutive queries have timed out."""
        return self.timeouts < _DOWN_AFTER

    def answered(self, seconds: float) -> None:
        """Note a matching answer after so many seconds."""
        self.timeouts = 0
        smoothed, variance = self.smoothed, self.variance
        if smoothed:
            variance += (abs(seconds - smoothed) - variance) / 4
            smoothed += (seconds - smoothed) / 8
        else:
            smoothed, variance = seconds, seconds / 2
        self.smoothed, self.variance = smoothed, variance
        wait = smoothed + 4 * variance
        self.wait = min(wait, _MAX_WAIT) if wait > _MIN_WAIT else _MIN_WAIT

    def note_lame(self, now: float) -> None:
        """Note an answer that says nothing about its question."""
        self.lame_until = max(self.lame_until, now + _FAULT_KEPT)

    def note_probe(self, wrong: bool) -> None:
        """Note whether the supervisor's probe had a wrong answer from it, as REFUSED or NXDOMAIN.

        As long as it has, other servers are asked first.
        """
        if wrong:
            self.lame_until = inf
        elif self.lame_until == inf:
            self.lame_until = 0.0

    def note_edns(self, now: float) -> None:
        """Note an answer with EDNS."""
        self.edns_until = now + _FAULT_KEPT
        self.rejected = b""

    def note_no_edns(self, name: bytes, asked_at: float) -> None:
        """Note that it answered a query for a name without EDNS that was sent at this time.

        Such a query was sent since one with EDNS was rejected, unless that was known already.
        """
        if asked_at >= self.plain_until and asked_at >= self.edns_until:
            if self.rejected not in (b"", name):
                self.plain_until = asked_at + _FAULT_KEPT
            self.rejected = name

    def timed_out(self, now: float) -> None:
        """Note a time-out, or an unusable answer."""
        if not self.timeouts:
            self.silent_since = now
        self.timeouts += 1
        if self.timeouts >= _DOWN_AFTER:
            self.probe_at = now + _PROBE_INTERVAL


class Group:
    """An upstream group: servers that are asked for the same names."""

    def __init__(
        self, name: str, servers: Sequence[Server], believed: Sequence[Server] = ()
    ) -> None:
        self.name = name
        self.servers = tuple(servers)
        self.believed = tuple(believed)
        """The servers whose AD is passed on."""

    def choose(self, now: float, tried: Sequence[Server]) -> Server | None:
        """The server to ask next; None if the group is empty.

        A server that was not tried comes before one that was; one that is up before one that is
        down; one that is not lame before one that is; a faster one before a slower one. A server
        that is down comes first if its probe is due.
        """
        if len(self.servers) == 1:
            return self.servers[0]
        untried = [server for server in self.servers if server not in tried]
        for server in untried:
            if not server.up and now >= server.probe_at and not tried:
                server.probe_at = now + _PROBE_INTERVAL
                return server
        chosen = min(
            untried or self.servers,
            key=lambda server: (
                not server.up,
                now < server.lame_until,
                tried.count(server),
                server.smoothed,
            ),
            default=None,
        )
        for server in self.servers:
            if server is not chosen:
                server.smoothed *= _DECAY
        return chosen

    def has_untried(self, tried: Sequence[Server]) -> bool:
        """Whether the group has a server that was not tried."""
        return any(server not in tried for server in self.servers)

    def is_silent(self, now: float) -> bool:
        """Whether all servers are down, and have not answered for long, not even late."""
        return all(
            not server.up and now >= server.silent_since + _SILENT_AFTER for server in self.servers
        )
