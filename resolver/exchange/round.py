"""One round of an exchange: the servers that were tried, and which to try next, over UDP or TCP.

The rules:
- A round lasts ``ROUND`` seconds at most, and ``PATIENCE`` if all servers have been silent for
  long. In its first half each server is asked at most three times over UDP, and then each at most
  three times over TCP (RFC 9520 section 3.1). A further try is at the server with the fewest, of
  those that are up. ``Group.wait`` says how long a try over UDP waits; each try over TCP waits
  twice as long as the one before, and longer while its connection makes progress, unless another
  server can be asked (``exchange.exchange``). A server that is known to answer over TCP only is
  asked over TCP only. TCP means TLS for a server over TLS, which is never asked over UDP.
- A round about a question that has failed a short time ago is short: each server is asked once over
  UDP, and then once over TCP, within ``PATIENCE`` seconds. Its clients wait no longer.
- After TC the question goes over TCP only. If no TCP connection has room, it goes over UDP again,
  as one more try.
- A server may close a TCP connection after some answers. The queries without one are asked again
  at once, at most ``_MAX_CLOSED`` times; this does not count as a try.
- Clients get a stale answer after ``PATIENCE`` seconds; at once if all servers were down when the
  round began.
"""

from math import inf
from typing import Final

from resolver.exchange.servers import TRIES, Group, Server

PATIENCE: Final = 1.8
"""Seconds until clients get a stale answer if there is one (RFC 8767), and SERVFAIL if all servers
have been silent for long."""
CLIENT_PATIENCE: Final = 4.0
"""Seconds that a client waits otherwise."""
ROUND: Final = 3.6
"""Seconds for the attempts of a round; the last of them can be answered in a client's time."""
_TCP_WAIT: Final = 0.25
"""Seconds for the first attempt over TCP, at least: a connection takes two round trips, and Linux
sends a lost segment again after 0.2 s."""
_MAX_CLOSED: Final = 8
_NO_SERVERS: Final[tuple[Server, ...]] = ()


def tcp_wait(server: Server) -> float:
    """Seconds for the first attempt over TCP, and in which a connection has to make progress.

    It is in proportion to the time that the server usually needs.
    """
    return max(_TCP_WAIT, 2 * server.rto_base, 2 * server.stream_srtt)


def makes_progress(server: Server, last_at: float, now: float) -> bool:
    """Whether a connection makes progress; it was made, or last received octets, at ``last_at``."""
    return now < last_at + tcp_wait(server)


class Round:
    """The tries of a round; ``now`` is in monotonic seconds."""

    __slots__ = (
        "_closed",
        "_out_tcp",
        "_out_udp",
        "_tried_tcp",
        "_tried_udp",
        "_tries",
        "began",
        "end_at",
        "first",
        "group",
        "is_second_time",
        "is_suspicious",
        "is_truncated",
        "over_at",
        "stale_at",
        "wait_until",
    )

    def __init__(self, group: Group, now: float, is_short: bool) -> None:
        self.group = group
        self.began = now
        self._tries = 1 if is_short else TRIES
        self.stale_at, self.end_at = now + PATIENCE, now + (PATIENCE if is_short else ROUND)
        """When clients get a stale answer; and the end of the round, at the latest."""
        self.wait_until = self.end_at if is_short else inf
        """When no client waits any more, however late it came."""
        self.over_at = inf
        """When the round was over without an answer, if it is."""
        self.first = first = group.first(now)
        """The server to ask first; None if the group is empty."""
        if first is not None and first.timeouts and not first.up:  # then all are down
            self.stale_at = now
            if group.is_silent(now):
                self.end_at = now + PATIENCE
        self.is_truncated = False
        """Whether only TCP helps."""
        self.is_suspicious = False
        """Whether a packet came that may be forged."""
        self.is_second_time = False
        """Whether all servers are asked once more, after they had failed."""
        self._closed = 0
        self._tried_udp = self._tried_tcp = _NO_SERVERS
        """The servers of the tries, in order."""
        self._out_udp = self._out_tcp = _NO_SERVERS
        """The servers that have failed actively, by transport."""

    def patience(self, stale: bool, now: float) -> float:
        """Seconds that clients wait; ``stale``: whether there is a stale answer for them."""
        if stale and now >= self.stale_at:
            return 0.0
        return PATIENCE if self.group.is_silent(self.began) else CLIENT_PATIENCE

    def add(self, server: Server, stream: bool, now: float) -> float:
        """Add a try: the time at which its time is over."""
        if stream:
            wait = tcp_wait(server) * (1 << self._tried_tcp.count(server))
            self._tried_tcp = (*self._tried_tcp, server)
        else:
            wait = self.group.least_wait(server)
            self._tried_udp = (*self._tried_udp, server)
        until = min(now + wait, self.end_at)
        return until if until > now else now + wait  # after a late answer

    def next(self, now: float, busy: tuple[Server, ...] = ()) -> tuple[Server, bool] | None:
        """The next try: the server, and whether over TCP; None if the round is over.

        Servers that are ``busy`` are not asked again.
        """
        if now >= self.end_at:
            return None
        tried = self._tried_udp
        is_forged = self.is_suspicious and len(tried) >= self._tries
        if not self.is_truncated and not is_forged and now < (self.began + self.end_at) / 2:
            server = self.group.next(now, tried, (*self._out_udp, *busy), False, self._tries)
            if server is not None:
                return server, False
        out = (*self._out_tcp, *busy)
        server = self.group.next(now, self._tried_tcp, out, True, self._tries)
        return None if server is None else (server, True)

    def waits_for(self, busy: tuple[Server, ...], now: float) -> bool:
        """Whether these servers alone can still be asked, within the round."""
        others = [server for server in self.group.servers if server not in busy]
        return now < self.end_at and not any(self.allows_tcp(other) for other in others)

    def leave_out(self, server: Server, stream: bool) -> None:
        """Try a server no more over TCP or UDP."""
        if stream:
            self._out_tcp = (*self._out_tcp, server)
        else:
            self._out_udp = (*self._out_udp, server)

    def is_left_out(self, server: Server, stream: bool) -> bool:
        """Whether a server is tried no more over TCP or UDP."""
        return server in (self._out_tcp if stream else self._out_udp)

    def try_all_again(self) -> None:
        """Try the servers that were left out once more."""
        self.is_second_time = True
        self._out_udp = self._out_tcp = _NO_SERVERS

    def allows_udp(self, server: Server, now: float) -> bool:
        """Whether a server can be tried over UDP, whatever may be forged or truncated."""
        tries = self._tried_udp.count(server)
        return not server.tls_name and tries < self._tries and now < self.end_at

    def allows_tcp(self, server: Server) -> bool:
        """Whether a server can be tried over TCP."""
        return server not in self._out_tcp and self._tried_tcp.count(server) < self._tries

    def take_back(self) -> bool:
        """Take the last try over TCP back, since its connection was closed; only so often."""
        if self._closed >= _MAX_CLOSED:
            return False
        self._closed += 1
        self._tried_tcp = self._tried_tcp[:-1]
        return True

    def has_tried_all(self) -> bool:
        """Whether each server was tried."""
        return self.group.all_in((*self._tried_udp, *self._tried_tcp))

    def note_timeout(self, server: Server, now: float) -> None:
        """Count the question against a server, once a round."""
        if self._tried_udp.count(server) + self._tried_tcp.count(server) == 1:
            server.timed_out(now)

    def has_more_time(self, server: Server, began: float, now: float) -> bool:
        """Whether to wait on for the answer to a try over UDP, since nothing comes at all."""
        return now < self.end_at and now < began + self.group.wait(server, began)
