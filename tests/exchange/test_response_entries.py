"""The one walk over a response makes the entry that an independent reading of it calls for."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from dnslib import EDNS0, RR, DNSError, DNSRecord
from dnslib.buffer import BufferError as ShortBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.dns.response import scan
from resolver.exchange.entry import MAX_RESTARTS, MAX_TTL, CacheEntry, make_entry
from tests.exchange.rendered_entries import entry_of, reply, ttls_of
from tests.exchange.usual_responses import usual_responses

NOW = 5000.0
Name = tuple[bytes, ...]
NOERROR, SERVFAIL, NXDOMAIN, REFUSED, YXDOMAIN = 0, 2, 3, 5, 6
CNAME, SOA, DNAME, OPT, RRSIG, NSEC, NSEC3, SVCB, HTTPS = 5, 6, 39, 41, 46, 47, 50, 64, 65


def lower(labels: object) -> Name:
    return tuple(bytes(label).lower() for label in labels)  # type: ignore[attr-defined]


def wire(name: Name) -> bytes:
    return b"".join(bytes((len(label),)) + label for label in name) + b"\x00"


def target(record: RR) -> Name:
    """Where a record leads; the root, or nowhere, is ()."""
    if record.rtype in (CNAME, DNAME):
        return lower(record.rdata.label.label)
    return lower(record.rdata.target) if record.rtype in (SVCB, HTTPS) else ()


def covered(record: RR) -> int:
    """The type of a record's RRset."""
    return record.rdata.covered if record.rtype == RRSIG else record.rtype  # type: ignore[no-any-return]


def bounded(ttl: int) -> int:
    """A TTL as it counts (RFC 2181 section 8), and is kept at the most."""
    return 0 if ttl >= 2**31 else min(ttl, MAX_TTL)


@dataclass
class Reading:
    """What a response says, as dnslib reads it, and what has to be kept of it."""

    record: DNSRecord
    rcode: int = 0
    chain: list[Name] = field(default_factory=list)
    circle: bool = False
    sections: list[list[RR]] = field(default_factory=list)

    def __post_init__(self) -> None:
        record = self.record
        ends = next((n for n, r in enumerate(record.ar) if r.rtype == OPT), len(record.ar))
        opts = record.ar[ends : ends + 1]
        self.rcode = record.header.rcode | (opts[0].ttl >> 24 << 4 if opts else 0)
        aliases = {lower(r.rname.label): target(r) for r in record.rr if r.rtype == CNAME}
        self.chain = [lower(record.q.qname.label)]
        while (leads := aliases.get(self.chain[-1])) is not None:
            if leads in self.chain:
                self.circle = True
                break
            self.chain.append(leads)
        answers = [r for r in record.rr if self.vouched_for(r)]
        self.sections = [sorted(answers, key=self.place), record.auth, []]
        answered = self.is_answered
        self.sections[1] = [r for r in record.auth if self.proves(r, answered)]

    def vouched_for(self, record: RR) -> bool:
        """Whether an answer belongs to the question's chain (RFC 2181 section 5.4.1)."""
        owner, rrset, asked = lower(record.rname.label), covered(record), self.record.q.qtype
        if asked not in (record.rtype, rrset) and rrset not in (CNAME, DNAME):
            return False
        if rrset == DNAME:
            return any(name[len(name) - len(owner) :] == owner for name in self.chain)
        if rrset == CNAME:
            return owner in self.chain
        return owner == self.chain[-1]

    def place(self, record: RR) -> int:
        """Where an answer comes: the aliases in order, then the rest (RFC 1034 4.3.1)."""
        if covered(record) == CNAME:
            return self.chain.index(lower(record.rname.label))
        return len(self.chain)

    def proves(self, record: RR, answered: bool) -> bool:
        """Whether a record of the authority section is for the client, who has set DO."""
        return covered(record) in ((NSEC, NSEC3) if answered else (SOA, NSEC, NSEC3))

    @property
    def answers(self) -> list[RR]:
        return self.sections[0]

    @property
    def targets(self) -> tuple[bytes, ...]:
        return tuple(wire(target(r)) for r in self.answers if target(r))

    @property
    def start(self) -> RR | None:
        """The SOA that speaks for what is absent."""
        return next((r for r in self.record.auth if r.rtype == SOA), None)

    @property
    def is_answered(self) -> bool:
        """Whether there are records of the type asked for."""
        wanted = self.record.q.qtype
        return self.rcode == NOERROR and any(r.rtype == wanted for r in self.answers)

    @property
    def unfinished(self) -> bytes:
        """The last alias's target, where the response says nothing about it."""
        last = wire(self.chain[-1])
        if self.circle:
            return b"" if self.record.q.qtype == CNAME else last
        if len(self.chain) == 1 or self.rcode != NOERROR or self.record.q.qtype == CNAME:
            return b""
        ends = [r for r in self.answers if lower(r.rname.label) == self.chain[-1]]
        return b"" if self.start or any(r.rtype == self.record.q.qtype for r in ends) else last

    @property
    def ttls(self) -> list[int]:
        """The TTLs that a client may be given, in order."""
        found = []
        for number, section in enumerate(self.sections):
            for record in section:
                ttl = bounded(record.ttl)
                if record.rtype == SOA and number == 1 and self.negative is not None:
                    ttl = min(ttl, self.negative)
                found.append(ttl)
        return found

    @property
    def negative(self) -> int | None:
        """Seconds that absence may be kept (RFC 2308 section 5); None for what is no absence."""
        if self.rcode not in (NOERROR, NXDOMAIN) or self.record.header.tc or self.is_answered:
            return None
        if self.start is None:
            return None
        (*_, minimum) = self.start.rdata.times
        return min(bounded(self.start.ttl), 0 if minimum >= 2**31 else minimum, 3600)

    @property
    def client_rcode(self) -> int:
        """An error about the query of this server is SERVFAIL for the client."""
        passed = (NOERROR, SERVFAIL, NXDOMAIN, REFUSED, YXDOMAIN)
        return self.rcode if self.rcode in passed else SERVFAIL

    @property
    def lifetime(self) -> int:
        if self.client_rcode == SERVFAIL:
            return 1
        if self.rcode not in (NOERROR, NXDOMAIN) or self.record.header.tc:
            return 0
        negative = self.negative
        least = min((bounded(r.ttl) for section in self.sections for r in section), default=0)
        if negative is not None:
            (*_, minimum) = self.start.rdata.times  # type: ignore[union-attr]
            return min(least, 0 if minimum >= 2**31 else minimum, 3600)
        if self.rcode != NOERROR:
            return 0
        return least if self.answers else min(least, 5) if any(self.sections) else 5


def records(sections: list[list[RR]]) -> list[list[tuple[Name, int, int, str]]]:
    """Everything that records say but their TTLs, in any case of letters."""
    return [
        [(lower(r.rname.label), r.rtype, r.rclass, str(r.rdata).lower()) for r in section]
        for section in sections
    ]


def agrees(entry: CacheEntry, reading: Reading, question: bytes) -> None:
    assert entry.rcode == reading.client_rcode
    assert entry.authentic == bool(reading.record.header.ad)
    assert entry.counts == tuple(map(len, reading.sections))
    assert ttls_of(entry) == reading.ttls
    assert entry.lifetime == reading.lifetime
    assert (entry.dated, entry.expires) == (NOW, NOW + entry.lifetime)
    assert entry.targets == reading.targets
    assert entry.aliases == tuple(wire(name) for name in reading.chain[1:] if name)
    assert entry.unfinished == reading.unfinished
    if reading.record.q.qtype != CNAME:  # then nobody follows it
        assert entry.restarts == (MAX_RESTARTS + 1 if reading.circle else 0)
    told = DNSRecord.parse(reply(entry, question, NOW))
    assert records([told.rr, told.auth, told.ar]) == records(reading.sections)
    assert [r.ttl for r in (*told.rr, *told.auth, *told.ar)] == reading.ttls


def swapped(question: bytes) -> bytes:
    """The question with its name in the other case."""
    return question[:-4].swapcase() + question[-4:]


@given(usual_responses())
@settings(max_examples=5 * settings().max_examples)
def test_an_entry_holds_what_an_independent_reading_finds(made: tuple[bytes, int]) -> None:
    packet, length = made
    question = swapped(packet[12 : 12 + length])
    agrees(entry_of(packet, NOW), Reading(DNSRecord.parse(packet)), question)


@given(usual_responses(), st.data())
@settings(max_examples=5 * settings().max_examples)
def test_it_does_so_of_mutated_responses(made: tuple[bytes, int], data: st.DataObject) -> None:
    packet, length = bytearray(made[0]), made[1]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(12 + length, len(packet)))
        cut = data.draw(st.integers(0, 2))
        packet[at : at + cut] = data.draw(st.binary(max_size=2) | st.just(b"\xc0\x0c"))
    response = scan(bytes(packet))
    record = parsed(bytes(packet))
    if response is not None and record is not None:
        question = bytes(packet[12 : 12 + length])
        agrees(make_entry(response, NOW, dnssec_ok=True), Reading(record), question)


def parsed(packet: bytes) -> DNSRecord | None:
    """What dnslib makes of a packet; it reads no label that is not UTF-8, and no empty RDATA.

    It prints no HTTPS target that is not ASCII, and no parameter that is cut short. It reads no
    DNAME.
    """
    try:
        record = DNSRecord.parse(packet)
        str(record)
    except (DNSError, ShortBuffer, UnicodeDecodeError):
        return None
    return None if any(item.rtype == DNAME for item in record.rr) else record


@given(usual_responses())
def test_what_is_cut_short_makes_no_entry(made: tuple[bytes, int]) -> None:
    packet = made[0]
    assert [end for end in range(len(packet)) if scan(packet[:end]) is not None] == []


def response(counts: bytes, *records: bytes) -> bytes:
    question = b"\x01a\x00\x00\x01\x00\x01"
    return b"\x00\x01\x81\x80\x00\x01" + counts + question + b"".join(records)


def record(owner: bytes, rtype: int, ttl: int, data: bytes) -> bytes:
    fixed = rtype.to_bytes(2, "big") + b"\x00\x01" + ttl.to_bytes(4, "big")
    return owner + fixed + len(data).to_bytes(2, "big") + data


AT_QUESTION = b"\xc0\x0c"
ADDRESS = bytes((192, 0, 2, 80))
QUESTION = b"\x01A\x00\x00\x01\x00\x01"


def soa(minimum: int) -> bytes:
    return bytes(2) + bytes(16) + minimum.to_bytes(4, "big")


def pointer_behind(first: bytes, back: int) -> bytes:
    """A pointer into the last octets of a response's first record."""
    return (0xC000 | 12 + 7 + len(first) - back).to_bytes(2, "big")


TO_ROOT = record(AT_QUESTION, 5, 600, b"\x00")
TO_ITSELF = record(AT_QUESTION, 5, 600, AT_QUESTION)
TO_B = record(AT_QUESTION, 5, 600, b"\x01b\x00")
ONE_ADDRESS = record(AT_QUESTION, 1, 600, ADDRESS)
SPECIAL = {
    "an SOA beside an answer": response(
        b"\x00\x01\x00\x01\x00\x00", ONE_ADDRESS, record(AT_QUESTION, 6, 300, soa(30))
    ),
    "an alias of the root": response(
        b"\x00\x02" + bytes(4), TO_ROOT, record(pointer_behind(TO_ROOT, 1), 1, 600, ADDRESS)
    ),
    "an alias of itself": response(
        b"\x00\x02" + bytes(4), TO_ITSELF, record(pointer_behind(TO_ITSELF, 2), 1, 600, ADDRESS)
    ),
    "a record beside": response(
        b"\x00\x02" + bytes(4), ONE_ADDRESS, record(b"\x01b\x00", 1, 60, ADDRESS)
    ),
    "absence that is kept for less than its SOA": response(
        b"\x00\x00\x00\x01\x00\x00", record(AT_QUESTION, 6, 300, soa(30))
    ),
    "absence whose MINIMUM is more than its SOA's TTL": response(
        b"\x00\x00\x00\x01\x00\x00", record(AT_QUESTION, 6, 30, soa(300))
    ),
    "an alias whose target is absent": response(
        b"\x00\x01\x00\x01\x00\x00", TO_B, record(b"\x01b\x00", 6, 300, soa(30))
    ),
    "an alias whose target is not followed": response(b"\x00\x01" + bytes(4), TO_B),
    "the longest TTL": response(b"\x00\x01" + bytes(4), record(AT_QUESTION, 1, 2**31 - 1, ADDRESS)),
    "a TTL with its top bit set": response(
        b"\x00\x01" + bytes(4), record(AT_QUESTION, 1, 2**31, ADDRESS)
    ),
    "an extended rcode": response(b"\x00\x00\x00\x00\x00\x01", record(b"\x00", 41, 1 << 24, b"")),
}


@pytest.mark.parametrize("packet", SPECIAL.values(), ids=list(SPECIAL))
def test_special_responses_are_read_alike(packet: bytes) -> None:
    agrees(entry_of(packet, NOW), Reading(DNSRecord.parse(packet)), QUESTION)


@pytest.mark.parametrize("many", [640, 641, 1024, 4094])
def test_as_many_addresses_as_a_message_holds_make_an_entry(many: int) -> None:
    packet = response(many.to_bytes(2, "big") + bytes(4), *[ONE_ADDRESS] * many)
    assert len(packet) <= 65535
    agrees(entry_of(packet, NOW), Reading(DNSRecord.parse(packet)), QUESTION)


def chain(links: int) -> bytes:
    """An answer of so many aliases and an address."""
    labels = [b"\x01a\x00", *(bytes((2,)) + b"%02d\x00" % n for n in range(links))]
    aliases = [record(one, 5, 60, to) for one, to in pairwise(labels)]
    address = record(labels[-1], 1, 60, ADDRESS)
    return response((links + 1).to_bytes(2, "big") + bytes(4), *aliases, address)


def test_a_chain_of_one_response_is_whole_whatever_its_length() -> None:
    entry = entry_of(chain(90))
    assert (entry.restarts, entry.unfinished) == (0, b"")
    assert entry.counts == (91, 0, 0)


def test_an_extended_rcode_stays_where_authority_records_are_left_out() -> None:
    """The low bits alone would make an NXDOMAIN of it."""
    response = DNSRecord.question("n.example").reply(ra=1, aa=0)
    response.header.rcode = NXDOMAIN
    response.add_auth(
        *RR.fromZone("example. 60 IN SOA a. b. 1 2 3 4 5\nexample. 60 IN NS ns.test.")
    )
    response.add_ar(EDNS0(ext_rcode=1))
    assert entry_of(bytes(response.pack())).rcode == SERVFAIL


def test_a_name_that_a_dname_makes_too_long_keeps_what_was_proven() -> None:
    """RFC 6672 section 2.2; the chain itself is validated."""
    label, end = b"\x3c" + b"a" * 60, b"\x01x\x00"
    question = label * 3 + end + b"\x00\x01\x00\x01"
    target = label * 2 + b"\x00"
    owner = (0xC000 | 12 + 3 * len(label)).to_bytes(2, "big")
    record = owner + bytes((0, DNAME, 0, 1, 0, 0, 1, 44, 0, len(target))) + target
    entry = entry_of(b"\x00\x07\x81\xa0\x00\x01\x00\x01\x00\x00\x00\x00" + question + record)
    assert (entry.rcode, entry.authentic, entry.unfinished) == (YXDOMAIN, True, b"")


def test_the_signature_of_an_alias_is_no_answer_to_a_question_for_signatures() -> None:
    response = DNSRecord.question("www.example", "RRSIG").reply(ra=1, aa=0)
    signature = "CNAME 8 2 60 20300101000000 20200101000000 1 example. AAAA"
    zone = f"www.example. 60 IN CNAME a.test.\nwww.example. 60 IN RRSIG {signature}"
    response.add_answer(*RR.fromZone(zone))
    assert entry_of(bytes(response.pack())).unfinished == wire((b"a", b"test"))


def test_beside_a_positive_answer_the_signature_of_an_soa_proves_nothing() -> None:
    response = DNSRecord.question("www.example", "A").reply(ra=1, aa=0)
    response.add_answer(*RR.fromZone("www.example. 60 IN A 192.0.2.1"))
    signature = "SOA 8 1 60 20300101000000 20200101000000 1 example. AAAA"
    response.add_auth(*RR.fromZone(f"example. 60 IN RRSIG {signature}"))
    assert entry_of(bytes(response.pack())).counts == (1, 0, 0)
