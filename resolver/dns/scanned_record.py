"""Read single records of a response that was scanned."""

from resolver.dns import codes
from resolver.dns.rdata import TARGET_AT
from resolver.dns.response import TOP_BIT, Response


class Record:
    """One record of a response; offsets are offsets in the packet of ``response``."""

    __slots__ = (
        "end",
        "fixed_at",
        "owner",
        "rdata_at",
        "response",
        "rrset",
        "rtype",
        "section",
        "target",
        "ttl",
    )

    def __init__(self, response: Response, number: int) -> None:
        self.response = response
        self.section = response.section_of(number)
        self.owner = response.name_at(response.owner_offsets[number])
        at = response.type_offsets[number]
        packet = response.packet
        ttl = int.from_bytes(packet[at + 4 : at + 8], "big")
        self.rtype = packet[at] << 8 | packet[at + 1]
        self.rrset = rrset_type(packet, at)
        """The type of its RRset: for an RRSIG, the type that it covers."""
        self.ttl = 0 if ttl & TOP_BIT else ttl
        """In seconds."""
        self.fixed_at = at
        """The offset of its type, class, TTL and RDLENGTH."""
        self.rdata_at = at + 10
        self.end = at + 10 + (packet[at + 8] << 8 | packet[at + 9])
        target = TARGET_AT.get(self.rtype)
        self.target = b"" if target is None else response.name_at(self.rdata_at + target)
        """The target name of a CNAME, DNAME, SVCB or HTTPS record; empty for other types."""

    @property
    def rdata(self) -> bytes:
        """Its RDATA as in the packet, so a name in it may be compressed."""
        return self.response.packet[self.rdata_at : self.end]


def all_records(response: Response) -> list[Record]:
    """All records in the order of the packet, without the OPT and the records behind it."""
    return [Record(response, number) for number in range(len(response.type_offsets))]


def answer_records(response: Response) -> list[Record]:
    """The records of the answer section."""
    return [Record(response, number) for number in range(response.counts[0])]


def answer_rrsets(response: Response) -> list[Record]:
    """The records of the answer section; of a large RRset at least the first one.

    No record with a target is left out.
    """
    return [Record(response, number) for number in response.heads or range(response.counts[0])]


def rrset_type(packet: bytes, at: int) -> int:
    """The type of the RRset of the record whose type is at this offset."""
    rtype = packet[at] << 8 | packet[at + 1]
    return packet[at + 10] << 8 | packet[at + 11] if rtype == codes.RRSIG else rtype
