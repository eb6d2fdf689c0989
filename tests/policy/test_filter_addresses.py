"""The answer of a filter is found, and no other answer is taken for it."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest
from dnslib import RR, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns.response import scan
from resolver.policy.compiled import FilterRange
from resolver.policy.filter_addresses import FilterAddresses

NETWORKS = [
    ip_network(text)
    for text in (
        *("10.10.34.34/31", "10.10.34.36/32", "2001:4188:2:600:10:10:34:34/127"),
        *("2001:4188:2:600:10:10:34:36/128", "d0::11/128"),
    )
]
FILTER = FilterAddresses(
    FilterRange(
        network.network_address.packed, network.prefixlen, "a page", "national.filter", line
    )
    for line, network in enumerate(NETWORKS, start=1)
)
IN_IPV6 = {"::": 0, "::ffff:0:0": 0, "64:ff9b::": 0, "64:ff9b:1:2:3:4::": 0, "2002::1": 80}
"""By what stands around an IPv4 address, how many bits of it stand behind the address."""


def found(answer: Sequence[str], additional: Sequence[str] = ()) -> str:
    """The address of the filter in a response with these records; empty without one."""
    message = DNSRecord.question("www.example.com").reply()
    message.add_answer(*(rr for text in answer for rr in RR.fromZone(text)))
    message.add_ar(*(rr for text in additional for rr in RR.fromZone(text)))
    response = scan(bytes(message.pack()))
    assert response is not None
    address = FILTER.in_response(response)
    return str(ip_address(address)) if address else ""


@pytest.mark.parametrize(
    ("answer", "address"),
    [
        (["www.example.com. 86400 A 10.10.34.34"], "10.10.34.34"),
        (["www.example.com. 86400 A 10.10.34.36"], "10.10.34.36"),
        (["www.example.com. 300 AAAA d0::11"], "d0::11"),
        (
            ["www.example.com. 300 AAAA 2001:4188:2:600:10:10:34:35"],
            "2001:4188:2:600:10:10:34:35",
        ),
        (
            ["www.example.com. 300 CNAME b.example.", "b.example. 60 A 10.10.34.35"],
            "10.10.34.35",
        ),
        (
            ["www.example.com. 300 A 192.0.2.1", "www.example.com. 300 A 10.10.34.34"],
            "10.10.34.34",
        ),
    ],
)
def test_an_answer_with_an_address_of_the_filter(answer: list[str], address: str) -> None:
    assert found(answer) == address


@pytest.mark.parametrize(
    "answer",
    [
        [],
        ["www.example.com. 300 A 10.10.34.33"],
        ["www.example.com. 300 A 10.10.34.37"],
        ["www.example.com. 300 A 10.34.10.34"],
        ["www.example.com. 300 AAAA d0::12"],
        ["www.example.com. 300 AAAA 2001:4188:2:600:10:10:34:37"],
        ['www.example.com. 300 TXT "10.10.34.34"'],
        ["www.example.com. 300 CNAME 34.34.10.10.example."],
    ],
)
def test_an_answer_beside_its_addresses_is_no_answer_of_it(answer: list[str]) -> None:
    assert found(answer) == ""


def test_a_record_outside_of_the_answer_section_does_not_count() -> None:
    answer = ["www.example.com. 300 A 192.0.2.1"]
    assert found(answer, ["ns.example.com. 300 A 10.10.34.34"]) == ""


@st.composite
def addresses(draw: st.DrawFn) -> bytes:
    """An address at an edge of a range or beside it, an IPv4 address also inside IPv6."""
    network = draw(st.sampled_from(NETWORKS))
    edge = int(draw(st.sampled_from([network[0], network[-1]]))) + draw(st.integers(-1, 1))
    inside = draw(st.sampled_from([None, *IN_IPV6]))
    if network.version == 4 and inside is not None:
        return (int(ip_address(inside)) | edge << IN_IPV6[inside]).to_bytes(16, "big")
    return edge.to_bytes(4 if network.version == 4 else 16, "big")


def _slow(octets: bytes) -> bool:
    """Whether an address is in a range, as a person reads it."""
    address = ip_address(octets)
    values = [address]
    if len(octets) == 16:
        for before, behind in IN_IPV6.items():
            ipv4 = int(address) >> behind & 0xFFFFFFFF
            if int(ip_address(before)) | ipv4 << behind == int(address):
                values.append(ip_address(ipv4.to_bytes(4, "big")))
    return any(value in network for value in values for network in NETWORKS)


@given(addresses() | st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16))
def test_an_address_is_of_the_filter_if_a_range_has_it(octets: bytes) -> None:
    assert (FILTER.range_of(octets) is not None) == _slow(octets)


def test_a_record_without_data_at_the_end_of_a_packet_is_none() -> None:
    message = bytes(DNSRecord.question("www.example.com").reply().pack())
    empty = b"\xc0\x0c\xff\x01\x00\x01\x00\x00\x00\x3c\x00\x00"  # of a private type
    response = scan(message[:6] + b"\x00\x01" + message[8:] + empty)
    assert response is not None
    assert FILTER.in_response(response) == b""


def test_none_of_the_500_addresses_beside_them_is_of_it() -> None:
    others = [last for last in range(256) if last not in (34, 35, 36)]
    answers = [f"A 10.10.34.{last}" for last in others]
    answers += [f"AAAA 2001:4188:2:600:10:10:34:{last}" for last in others]
    assert {found([f"www.example.com. 300 {answer}"]) for answer in answers} == {""}


def test_without_ranges_nothing_is_found() -> None:
    response = scan(bytes(DNSRecord.question("a.example").reply().pack()))
    assert response is not None
    assert FilterAddresses(()).in_response(response) == b""
    assert FilterAddresses(()).range_of(b"\x0a\x0a\x22\x22") is None
