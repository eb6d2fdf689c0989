"""Packets for laws: valid ones made by dnslib, mutated ones, and ones made to cost time."""

from collections.abc import Callable
from typing import SupportsIndex, overload

from dnslib import EDNS0, QTYPE, RD, RR, DNSHeader, DNSQuestion, DNSRecord, EDNSOption
from hypothesis import strategies as st

LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_ABC", min_size=1, max_size=20)
NAMES = st.lists(LABELS, min_size=0, max_size=5).map(lambda labels: ".".join(labels) + ".")
TTLS = st.integers(0, 2**32 - 1)
OCTETS = st.integers(0, 255)


class Counted(bytes):
    """Octets that count how often they are looked at."""

    looks = 0

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | bytes:
        self.looks += 1
        return super().__getitem__(key)


def _address(count: int) -> st.SearchStrategy[list[int]]:
    return st.lists(OCTETS, min_size=count, max_size=count)


DATA = st.one_of(
    _address(4).map(lambda n: ("A", ".".join(map(str, n)))),
    _address(2).map(lambda n: ("AAAA", f"2001:db8::{n[0]:x}:{n[1]:x}")),
    NAMES.map(lambda name: ("CNAME", name)),
    NAMES.map(lambda name: ("NS", name)),
    NAMES.map(lambda name: ("PTR", name)),
    NAMES.map(lambda name: ("MX", f"10 {name}")),
    NAMES.map(lambda name: ("SRV", f"1 2 443 {name}")),
    NAMES.map(lambda name: ("HTTPS", f"1 {name} alpn=h2,h3 port=8443")),
    st.tuples(NAMES, NAMES).map(lambda two: ("SOA", f"{two[0]} {two[1]} 1 2 3 4 5")),
    LABELS.map(lambda text: ("TXT", f'"{text}" "{text}"')),
    LABELS.map(lambda text: ("CAA", f'0 issue "{text}"')),
)


def _record(name: str, data: tuple[str, str], ttl: int) -> RR:
    rtype, text = data
    (record,) = RR.fromZone(f"{name} 1 IN {rtype} {text}")
    record.ttl = ttl
    return record


KNOWN_RECORDS = st.builds(_record, NAMES, DATA, TTLS)
UNKNOWN_RECORDS = st.builds(
    lambda name, rtype, ttl, data: RR(name, rtype, ttl=ttl, rdata=RD(data)),
    NAMES,
    st.integers(65280, 65534),
    TTLS,
    st.binary(min_size=1, max_size=40),  # dnslib takes no empty RDATA
)
RECORDS = KNOWN_RECORDS | UNKNOWN_RECORDS
SECTIONS = st.lists(RECORDS, max_size=4)


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """A valid response as a server would send it, compressed, with an OPT or without one."""
    header = DNSHeader(id=draw(st.integers(0, 65535)), qr=1, rd=1, ra=1)
    header.rcode = draw(st.sampled_from([0, 2, 3, 5]))
    record = DNSRecord(header, q=DNSQuestion(draw(NAMES), draw(st.sampled_from([1, 28, 16, 65]))))
    record.add_answer(*draw(SECTIONS))
    record.add_auth(*draw(SECTIONS))
    record.add_ar(*draw(SECTIONS))
    if draw(st.booleans()):
        record.add_ar(EDNS0(udp_len=1232, opts=draw(OPTIONS)))
    return bytes(record.pack())


_FREE_OPTIONS = sorted({*range(21)} - {8, 10})
"""Options whose data may be anything: all but client subnet and COOKIE."""
OPTIONS = st.lists(
    st.builds(EDNSOption, st.sampled_from(_FREE_OPTIONS), st.binary(min_size=1, max_size=12))
    | st.builds(EDNSOption, st.just(10), st.binary(min_size=16, max_size=40)),
    min_size=0,
    max_size=3,
)


@st.composite
def queries(draw: st.DrawFn) -> bytes:
    """A valid query."""
    header = DNSHeader(id=draw(st.integers(0, 65535)), q=1, rd=draw(st.booleans()))
    header.set_cd(draw(st.booleans()))
    header.set_ad(draw(st.booleans()))
    rtype = draw(st.sampled_from([1, 2, 5, 16, 28, 64, 65, 65280]))
    record = DNSRecord(header, q=DNSQuestion(draw(NAMES), rtype))
    if draw(st.booleans()):
        flags = draw(st.sampled_from(["", "do"]))
        record.add_ar(EDNS0(udp_len=draw(st.integers(0, 65535)), flags=flags, opts=draw(OPTIONS)))
    return bytes(record.pack())


@st.composite
def mutated(draw: st.DrawFn, packets: st.SearchStrategy[bytes]) -> bytes:
    """A packet with a few octets changed, put in or cut out."""
    packet = bytearray(draw(packets))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(packet) - 1, 0)))
        put = draw(st.binary(max_size=2) | st.sampled_from([b"\xc0\x0c", b"\xc0\x1d", b"\x40"]))
        cut = draw(st.sampled_from([len(put), 0, 1, 9]))
        packet[at : at + cut] = put
    return bytes(packet)


def any_bytes(packets: Callable[[], st.SearchStrategy[bytes]]) -> st.SearchStrategy[bytes]:
    return st.one_of(st.binary(max_size=80), packets(), mutated(packets()))


# Packets made to cost time; ``size`` is of the octets that pointers can lead into.

ROOT_QUESTION = b"\x00\x00\x01\x00\x01"
OPAQUE = 65280
_BODY = 12 + len(ROOT_QUESTION) + 11
"""Where the RDATA of a first record at the root begins."""


def _wire(owner: bytes, rtype: int, data: bytes) -> bytes:
    return owner + rtype.to_bytes(2, "big") + b"\x00\x01" + bytes(4) + _counted(data)


def _counted(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _pointer(at: int) -> bytes:
    return (0xC000 | at).to_bytes(2, "big")


def response_of(records: list[bytes]) -> bytes:
    counts = b"\x00\x01" + len(records).to_bytes(2, "big") + bytes(4)
    return b"\x00\x00\x80\x00" + counts + ROOT_QUESTION + b"".join(records)


def pointer_chain(size: int) -> bytes:
    """Pointers that lead to pointers, and as many records at the chain's end."""
    links = size // 2 - 1
    chain = b"\x00\x00" + b"".join(_pointer(_BODY + 2 * link) for link in range(links))
    end = _pointer(_BODY + 2 * links)
    return response_of(
        [_wire(b"\x00", OPAQUE, chain), *[_wire(b"\x00", QTYPE.NS, end)] * (size // 16)]
    )


def many_starts(size: int) -> bytes:
    """Names that each begin at a place of their own and all run through the same labels."""
    lead = bytes(range(61, -1, -1))  # each place but the last leads to the labels behind all
    group = lead + b"\x01a" * 90 + b"\x00"
    groups = max(size // len(group), 1)
    places = range(len(lead) - 1)
    starts = [_BODY + len(group) * number + place for number in range(groups) for place in places]
    return response_of(
        [
            _wire(b"\x00", OPAQUE, group * groups),
            *[_wire(_pointer(start), OPAQUE, b"") for start in starts],
        ]
    )


def many_options(size: int) -> bytes:
    """An OPT with as many options as there is room for."""
    return response_of([]).replace(bytes(2) + ROOT_QUESTION, b"\x00\x01" + ROOT_QUESTION) + _wire(
        b"\x00", QTYPE.OPT, b"\x00\x0f\x00\x02\x00\x16" * (size // 6)
    )


def long_label_run(size: int) -> bytes:
    """A name of far more labels than any name may have, at the end of many good ones."""
    return response_of([_wire(b"\x01a\x00", OPAQUE, b"")] * (size // 13) + [b"\x01a" * size])


COSTLY = (pointer_chain, many_starts, many_options, long_label_run)
