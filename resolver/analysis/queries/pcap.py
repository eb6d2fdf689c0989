"""The questions of a capture: what clients ask a name server, by their addresses; its answers."""

from collections.abc import Iterator, Set
from ipaddress import ip_address

from resolver.analysis.queries.capture import packets
from resolver.analysis.queries.frames import DnsMessages, SkippedPacket, dns_messages
from resolver.analysis.queries.query import FileContent, QueryCounts, Question, Requester
from resolver.dns import codes
from resolver.dns.query import scan

_STEP = 4096


def read(content: FileContent, counts: QueryCounts, ports: Set[int]) -> Iterator[int]:
    """Count all questions to these ports, and keep the answers; yields how far it has read."""
    clients: dict[bytes, Requester] = {}
    for number, packet in enumerate(packets(content, counts), start=1):
        if number % _STEP == 0:
            yield packet.after
        found = dns_messages(packet.link, packet.octets, ports)
        if isinstance(found, DnsMessages) and not found.client:
            for message in found.messages:
                counts.answers.add(message)
        elif isinstance(found, DnsMessages):
            who = clients.get(found.client)
            if who is None:
                who = clients[found.client] = Requester(client=str(ip_address(found.client)))
            for message in found.messages:
                _count(counts, who, message, number)
        elif isinstance(found, SkippedPacket):
            counts.skip(found.reason, f"packet {number}")


def _count(counts: QueryCounts, who: Requester, message: bytes, number: int) -> None:
    query = scan(message, {})
    if query is not None and query.shape.rcode == codes.NOERROR:
        counts.add(Question(who, query.name, query.shape.qtype))
    elif query is not None:
        counts.skip("a query that is answered with an error under any policy", f"packet {number}")
    elif len(message) < codes.HEADER or not message[2] << 8 & codes.QR:
        counts.skip("no DNS message", f"packet {number}")
