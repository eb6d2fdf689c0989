"""The tests' zone, served by dnslib from a thread: the upstream where NSD is not installed.

It answers as an authoritative server of the root does (RFC 1034 4.3.2, RFC 4592): aliases are
followed, wildcards stand for names that do not exist, an answer that is too large is truncated.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from dnslib import EDNS0, QTYPE, RCODE, RR, DNSLabel, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSLogger, DNSServer

_PLAIN_UDP, _LARGEST_UDP = 512, 1232


class Zone(BaseResolver):  # type: ignore[misc] # dnslib has no types
    """The records of a zone file of the root."""

    def __init__(self, text: str) -> None:
        self._records: dict[DNSLabel, list[RR]] = defaultdict(list)
        self._names: set[DNSLabel] = set()
        """All names that exist, also those between a record and the root."""
        for record in RR.fromZone(text):
            self._records[record.rname].append(record)
            self._names.update(_name_and_parents(record.rname))
        [self._soa] = [r for r in self._records[DNSLabel(".")] if r.rtype == QTYPE.SOA]

    def resolve(self, request: DNSRecord, handler: DNSHandler) -> DNSRecord:
        """Answer one query."""
        reply = request.reply(ra=0)
        size = request.ar[0].edns_len if request.ar else _PLAIN_UDP
        if request.ar:
            reply.add_ar(EDNS0(udp_len=_LARGEST_UDP))
        name: DNSLabel | None = request.q.qname
        while name is not None:
            name = self._add(reply, name, request.q.qtype)
        if handler.protocol == "udp" and len(reply.pack()) > max(size, _PLAIN_UDP):
            return reply.truncate()
        return reply

    def _add(self, reply: DNSRecord, name: DNSLabel, rtype: int) -> DNSLabel | None:
        """Add the records of a name; return the target where the name is an alias."""
        records = self._at(name)
        answer = [record for record in records if record.rtype in (rtype, QTYPE.CNAME)]
        for record in answer:
            reply.add_answer(RR(name, record.rtype, ttl=record.ttl, rdata=record.rdata))
        if not records:
            reply.header.rcode = RCODE.NXDOMAIN
        if not answer:
            reply.add_auth(self._soa)
        elif answer[0].rtype == QTYPE.CNAME and rtype != QTYPE.CNAME:
            target: DNSLabel = answer[0].rdata.label
            return target
        return None

    def _at(self, name: DNSLabel) -> list[RR]:
        """The records of a name, or of the wildcard that stands for it."""
        if name in self._names:
            return self._records.get(name, [self._soa])  # it exists, and has no record
        closest = next(n for n in _name_and_parents(name) if n in self._names)
        return self._records.get(DNSLabel((b"*", *closest.label)), [])


def _name_and_parents(name: DNSLabel) -> Iterator[DNSLabel]:
    for count in range(len(name.label) + 1):
        yield DNSLabel(name.label[count:])


@contextmanager
def zone_server(text: str, port: int, address: str = "127.0.0.1") -> Iterator[None]:
    """Serve a zone of the root over UDP and TCP."""
    zone, silent = Zone(text), DNSLogger(logf=lambda _: None)
    both = [DNSServer(zone, address, port, tcp=tcp, logger=silent) for tcp in (False, True)]
    for server in both:
        server.start_thread()
    yield
    for server in both:
        server.stop()
        server.server.server_close()
