"""The servers of an upstream group: the response time of each, and which to ask next.

Each server has a smoothed round-trip time over UDP and its variance (the estimator of RFC 6298
section 2). They give the time to wait for its answer. While nothing comes from any server of the
group, each time-out doubles this time, to ``FIRST_WAIT`` at most, until the server answers (section
5.5), for the queries that wait already, too. So a server that has become slow or silent is asked
little; where single packets are lost it is asked again soon; and once it answers again, so is each
name whose query was sent too early.

Each server also has a count of consecutive questions that it has not answered in time. After three
it counts as down: it is asked after the others, and every ``_PROBE_INTERVAL`` a probe is sent
beside a query. If all servers are down, all are still asked. A server is asked over TCP only when
it has answered three questions over TCP, and nothing at all over UDP since each of them was first
asked; probes over UDP tell when that works again.

For 15 minutes, a server that gave a lame answer (a referral, for example) is asked after the
others, and a server that does not understand EDNS is asked without. It counts as such when it has
rejected EDNS for two names, and has not answered with EDNS between them, nor in the 15 minutes
before: an error about one name, which it may pass on from elsewhere, says nothing about others.

A server over TLS is asked over TLS alone, also to probe it. Its round-trip times are those of its
answers over TLS, and give the time to wait for it as those over UDP do.

What must stay true:
- A server over TLS is never asked without it.
- Only a time-out or an unusable answer counts against a server. A packet that matches no query
  does not count, since anyone can forge it.
"""

from collections.abc import Sequence
from math import inf
from typing import Final

from resolver.exchange.entry import MAX_NEGATIVE_TTL, OWN_NEGATIVE_TTL
from resolver.policy.filter_addresses import FilterAddresses
from resolver.policy.upstream_groups import is_forward_group

TRIES: Final = 3
"""How often a server is asked in a round over each transport, at most (RFC 9520 section 3.1)."""
_DOWN_AFTER: Final = 3
"""Consecutive questions that timed out."""
_SILENT_UDP_AFTER: Final = 3
"""Consecutive questions that were answered over TCP while nothing came over UDP."""
_PROBE_INTERVAL: Final = 5.0
"""Seconds between two probes of a server."""
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
_MARGIN: Final = 0.04
"""Seconds to wait beyond the smoothed round-trip time, at least."""
_GROWTH: Final = 0.25
"""The share of the round-trip time to wait beyond it, at least: the queue of a server whose load is
a little too high grows while its answers come."""
_MAX_WAIT: Final = 2.5
"""With more than one server, ``FIRST_WAIT`` is the longest: another may be faster."""


class Server:
    """One server of a group, by its address; times are in monotonic seconds."""

    __slots__ = (
        "address",
        "authorities",
        "edns_until",
        "lame_until",
        "last_answer_at",
        "name",
        "plain_until",
        "port",
        "probe_at",
        "rejected",
        "rto",
        "rto_base",
        "rttvar",
        "silent_since",
        "silent_udp",
        "source_address",
        "srtt",
        "stream_srtt",
        "timeouts",
        "tls_name",
    )

    def __init__(
        self,
        address: str,
        port: int,
        name: str,
        source_address: str = "",
        tls_name: str = "",
        authorities: str = "",
    ) -> None:
        self.address = address
        self.port = port
        self.name = name
        """The name in the config; a label of metrics."""
        self.source_address = source_address
        """The address of this host that queries to it leave from; empty for any."""
        self.tls_name = tls_name
        """The name that its certificate is verified for; empty for plain DNS."""
        self.authorities = authorities
        """The certificates, in PEM, that are trusted for it besides the system's."""
        self.srtt = 0.0
        """Smoothed round-trip time over UDP or TLS in seconds, or the last over TCP; else 0."""
        self.rttvar = 0.0
        self.stream_srtt = 0.0
        """Smoothed time of its answers over TCP in seconds."""
        self.timeouts = 0
        """Consecutive questions that timed out."""
        self.silent_since = 0.0
        """The time of the first of these time-outs."""
        self.last_answer_at = 0.0
        """When the last answer came over UDP, or over TLS."""
        self.silent_udp = 0
        """Consecutive questions that were answered over TCP while nothing came over UDP."""
        self.probe_at = inf
        """The time of the next probe, if the server is down or silent over UDP."""
        self.lame_until = 0.0
        """Until then, other servers are asked first."""
        self.plain_until = 0.0
        """Until then, it is asked without EDNS."""
        self.edns_until = 0.0
        """Until then, it is known to understand EDNS."""
        self.rejected = b""
        """The last name for which it rejected EDNS; empty if it has answered with EDNS since."""
        self.rto_base = FIRST_WAIT
        """Seconds to wait for an answer, by its round-trip times."""
        self.rto = FIRST_WAIT
        """Seconds to wait for an answer while nothing comes."""

    @property
    def tried(self) -> bool:
        """Whether it has answered a query, or a query to it has timed out."""
        return bool(self.srtt or self.timeouts)

    @property
    def up(self) -> bool:
        """Whether it has answered one of the last three questions."""
        return self.timeouts < _DOWN_AFTER

    @property
    def stream_only(self) -> bool:
        """Whether to ask it over a stream: it has TLS, or nothing comes back over UDP."""
        return self.silent_udp >= _SILENT_UDP_AFTER or self.tls_name != ""

    def answered(self, seconds: float, now: float) -> None:
        """Note an answer over UDP after so many seconds."""
        self.timeouts = self.silent_udp = 0
        self.probe_at = inf
        self.last_answer_at = now
        srtt, rttvar = self.srtt, self.rttvar
        if srtt:
            rttvar += (abs(seconds - srtt) - rttvar) / 4
            srtt += (seconds - srtt) / 8
        else:
            srtt, rttvar = seconds, seconds / 2
        self.srtt, self.rttvar = srtt, rttvar
        margin = max(4 * rttvar, srtt * _GROWTH)
        wait = srtt + (margin if margin > _MARGIN else _MARGIN)
        self.rto_base = self.rto = wait if wait < _MAX_WAIT else _MAX_WAIT

    def answered_stream(self, seconds: float, asked_at: float, now: float) -> None:
        """Note an answer over a stream to a question that was first asked at some time."""
        if self.tls_name:
            self.answered(seconds, now)
            return
        self.timeouts = 0
        self.stream_srtt += (min(seconds, _MAX_WAIT) - self.stream_srtt) / 8
        if asked_at <= self.last_answer_at:
            self.silent_udp = 0
        elif self.silent_udp < _SILENT_UDP_AFTER:
            self.silent_udp += 1
            self.probe_at = now + _PROBE_INTERVAL
        if self.stream_only or not self.srtt:  # else it says nothing of the time over UDP
            self.srtt = seconds

    def back_off(self, began: float) -> None:
        """Wait longer, after a query over UDP since which nothing has come from it."""
        if self.last_answer_at <= began:
            self.rto = max(self.rto, min(2 * self.rto, FIRST_WAIT))

    def takes_edns(self, now: float) -> bool:
        """Whether to ask it with EDNS."""
        return now >= self.plain_until

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
        """Note a question that it has not answered in time, or could not be asked."""
        if not self.timeouts:
            self.silent_since = now
        self.timeouts += 1
        if self.timeouts == _DOWN_AFTER:
            self.probe_at = now + _PROBE_INTERVAL

    def probed(self, now: float) -> None:
        """Note a probe, so that the next one is due later."""
        self.probe_at = now + _PROBE_INTERVAL


class Group:
    """An upstream group: servers that are asked for the same names."""

    def __init__(
        self,
        name: str,
        servers: Sequence[Server],
        ad_trusted: Sequence[Server] = (),
        filter_addresses: FilterAddresses | None = None,
    ) -> None:
        self.name = name
        self.servers = tuple(servers)
        self.ad_trusted = tuple(ad_trusted)
        """The servers whose AD is passed on."""
        self.filter = None if is_forward_group(name) else filter_addresses
        """The addresses of a filter on the path; None for a forwarded zone, whose path is inside
        the network."""
        self.negative_ttl = OWN_NEGATIVE_TTL if is_forward_group(name) else MAX_NEGATIVE_TTL
        """The most seconds that a negative answer of the group lives."""
        self.most_wait = _MAX_WAIT if len(self.servers) == 1 else FIRST_WAIT
        """Seconds to wait for a server before another try, at most."""

    def least_wait(self, server: Server) -> float:
        """Seconds to wait for the answer of a server over UDP, if other answers come."""
        return min(server.rto_base, self.most_wait)

    def wait(self, server: Server, began: float) -> float:
        """Seconds to wait for its answer to a query over UDP that was sent at ``began``."""
        if self.has_answered(began):
            return self.least_wait(server)
        return min(server.rto, self.most_wait)

    def first(self, now: float) -> Server | None:
        """The server to ask first; None if the group is empty."""
        if len(self.servers) == 1:
            return self.servers[0]
        return self._best(now, self.servers, ())

    def next(
        self,
        now: float,
        tried: Sequence[Server],
        out: Sequence[Server],
        stream: bool,
        tries: int = TRIES,
    ) -> Server | None:
        """The server to ask next over TCP or UDP: tried less often than that, and not ``out``.

        None if there is no such server. A server that is silent over UDP is asked over TCP only.
        """
        left = [
            server
            for server in self.servers
            if tried.count(server) < tries
            and server not in out
            and (stream or not server.stream_only)
        ]
        return self._best(now, left, tried)

    def _best(
        self, now: float, servers: Sequence[Server], tried: Sequence[Server]
    ) -> Server | None:
        """The best of these servers.

        One that is up comes before one that is down; one that is not lame before one that is; one
        that was tried less often before one that was more often; a faster one before a slower one.
        """
        chosen = min(
            servers,
            key=lambda server: (
                not server.up,
                now < server.lame_until,
                tried.count(server),
                server.srtt,
            ),
            default=None,
        )
        for server in self.servers:
            if server is not chosen:
                server.srtt *= _DECAY
        return chosen

    def all_in(self, tried: Sequence[Server]) -> bool:
        """Whether all servers of the group are among these."""
        return all(server in tried for server in self.servers)

    def has_answered(self, since: float) -> bool:
        """Whether a server has answered over UDP or TLS since a time."""
        return any(server.last_answer_at > since for server in self.servers)

    def is_silent(self, now: float) -> bool:
        """Whether all servers are down, and have not answered for long, not even late."""
        return all(
            not server.up and now >= server.silent_since + _SILENT_AFTER for server in self.servers
        )
