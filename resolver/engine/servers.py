"""The servers of an upstream group: how fast each answers, which one to ask next.

Each server has a smoothed round-trip time and its variance (the estimator of RFC 6298,
section 2), which give the time to wait for it, and a count of time-outs in a row. After
three it is taken to be down: others are asked first, and once a second one question tries
it again. When all are down they are all still asked.

What must stay true:
- Only a time-out or an unusable answer counts against a server; a packet that matches no
  query counts against nobody, since anybody can send one.
"""

from collections.abc import Sequence
from typing import Final

_DOWN_AFTER: Final = 3
_PROBE_EVERY: Final = 1.0
_FORGETTING: Final = 0.998
"""What a server that is not asked keeps of its time: a slow one gets another chance."""
_FIRST_WAIT: Final = 0.6
_LEAST_WAIT: Final = 0.15
_LONGEST_WAIT: Final = 0.8


class Server:
    """One server of a group, by its address; times are in monotonic seconds."""

    __slots__ = (
        *("address", "alone", "name", "port", "probe_at", "smoothed", "timeouts", "variance"),
        "wait",
    )

    def __init__(self, address: str, port: int, name: str) -> None:
        self.address = address
        self.port = port
        self.alone: tuple[Server, ...] = (self,)
        """This server as the only one tried."""
        self.name = name
        """As the config has it; the label of its metrics."""
        self.smoothed = 0.0
        """Smoothed round-trip time; 0 before the first answer."""
        self.variance = 0.0
        self.timeouts = 0
        self.probe_at = 0.0
        self.wait = _FIRST_WAIT
        """Seconds to wait for its answer."""

    @property
    def tried(self) -> bool:
        """Whether it has been asked, and has answered or let a question run out."""
        return bool(self.smoothed or self.timeouts)

    @property
    def up(self) -> bool:
        """Whether it has not just let three questions run out."""
        return self.timeouts < _DOWN_AFTER

    def answered(self, took: float) -> None:
        """It gave an answer that matched, after so many seconds."""
        self.timeouts = 0
        smoothed, variance = self.smoothed, self.variance
        if smoothed:
            variance += (abs(took - smoothed) - variance) / 4
            smoothed += (took - smoothed) / 8
        else:
            smoothed, variance = took, took / 2
        self.smoothed, self.variance = smoothed, variance
        wait = smoothed + 4 * variance
        self.wait = min(wait, _LONGEST_WAIT) if wait > _LEAST_WAIT else _LEAST_WAIT

    def timed_out(self, now: float) -> None:
        """It gave no answer, or none that can be read."""
        self.timeouts += 1
        if self.timeouts >= _DOWN_AFTER:
            self.probe_at = now + _PROBE_EVERY


class Group:
    """Servers that are asked for the same names."""

    def __init__(self, name: str, servers: Sequence[Server]) -> None:
        self.name = name
        self.servers = tuple(servers)

    def choose(self, now: float, tried: Sequence[Server]) -> Server | None:
        """The server to ask next; None where the group is empty.

        One that was not tried comes before one that was, one that is up before one that is
        down, the faster before the slower; a server that is down goes first when its probe
        is due.
        """
        if len(self.servers) == 1:
            return self.servers[0]
        fresh = [server for server in self.servers if server not in tried]
        for server in fresh:
            if not server.up and now >= server.probe_at and not tried:
                server.probe_at = now + _PROBE_EVERY
                return server
        chosen = min(
            fresh or self.servers,
            key=lambda server: (not server.up, tried.count(server), server.smoothed),
            default=None,
        )
        for server in self.servers:
            if server is not chosen:
                server.smoothed *= _FORGETTING
        return chosen

    def others(self, tried: Sequence[Server]) -> bool:
        """Whether some server was not tried yet."""
        return any(server not in tried for server in self.servers)
