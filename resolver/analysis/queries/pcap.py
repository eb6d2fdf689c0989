"""Questions out of a capture: what clients asked of a name server, by their addresses."""

from collections.abc import Iterator, Set
from ipaddress import ip_address

from resolver.analysis.queries.capture import packets
from resolver.analysis.queries.frames import ClientMessages, SkippedPacket, client_messages
from resolver.analysis.queries.query import FileContent, QueryCounts, Question, Requester
from resolver.dns import codes
from resolver.dns.query import scan

_STEP = 4096


def read(content: FileContent, asked: QueryCounts, ports: Set[int]) -> Iterator[int]:
    """Count all questions to these ports; says now and then up to where it has read."""
    clients: dict[bytes, Requester] = {}
    for number, packet in enumerate(packets(content, asked), start=1):
        if number % _STEP == 0:
            yield packet.after
        found = client_messages(packet.link, packet.octets, ports)
        if isinstance(found, ClientMessages):
            who = clients.get(found.client)
            if who is None:
                who = clients[found.client] = Requester(client=str(ip_address(found.client)))
            for message in found.messages:
                _count(asked, who, message, number)
        elif isinstance(found, SkippedPacket):
            asked.skip(found.reason, f"packet {number}")


def _count(asked: QueryCounts, who: Requester, message: bytes, number: int) -> None:
    query = scan(message, {})
    if query is not None and query.shape.rcode == codes.NOERROR:
        asked.add(Question(who, query.name, query.shape.qtype))
    elif query is not None:
        asked.skip("a query that is answered with an error, whatever the policy", _place(number))
    elif len(message) < codes.HEADER or not message[2] << 8 & codes.QR:
        asked.skip("no DNS message", _place(number))


def _place(number: int) -> str:
    return f"packet {number}"
