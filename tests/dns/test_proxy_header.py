"""The scan of PROXY headers: total, and a client only from a header that is whole and valid."""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns.proxy_header import header_size, scan
from tests.dns.proxy_headers import LOCAL, SIGNATURE, header

ADDRESSES = st.ip_addresses().filter(lambda a: a.version == 4 or a.ipv4_mapped is None)
HEADERS = st.builds(
    lambda client, udp, tlvs: header(client, udp=udp, tlvs=tlvs),
    ADDRESSES,
    st.booleans(),
    st.binary(max_size=40),
)


@given(ADDRESSES, st.booleans(), st.binary(max_size=40), st.binary(max_size=40))
def test_a_valid_header_names_its_client_and_its_end(
    client: IPv4Address | IPv6Address, udp: bool, tlvs: bytes, query: bytes
) -> None:
    octets = header(client, udp=udp, tlvs=tlvs)
    found = scan(octets + query)
    assert found is not None
    assert (found.client, found.size) == (client.packed, len(octets))


@given(HEADERS, st.data())
def test_a_header_that_is_cut_short_is_none(octets: bytes, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(octets) - 1))
    assert scan(octets[:end]) is None
    assert header_size(octets[:end]) > end
    assert header_size(octets) == len(octets)


@given(HEADERS | st.just(LOCAL), st.integers(0, 12), st.integers(0, 255))
def test_a_wrong_signature_version_or_command_is_none(octets: bytes, at: int, value: int) -> None:
    mutated = octets[:at] + bytes([value]) + octets[at + 1 :]
    if value == octets[at] or (at == 12 and value == 0x20):
        return
    found = scan(mutated)
    if at == 12 and value == 0x21:  # a health check that says PROXY, and of no client
        assert octets == LOCAL
    assert found is None


@given(st.integers(0, 255), st.integers(0, 250))
def test_a_client_needs_a_family_and_its_addresses(family: int, length: int) -> None:
    octets = SIGNATURE + struct.pack("!BBH", 0x21, family, length) + bytes(length)
    needed = {0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36}.get(family, 65536)
    assert (scan(octets) is not None) == (length >= needed)


@given(st.binary(max_size=80), st.booleans())
def test_any_octets_are_a_header_or_nothing(octets: bytes, signed: bool) -> None:
    packet = SIGNATURE + octets if signed else octets
    found = scan(packet)
    if found is not None:
        assert packet.startswith(SIGNATURE)
        assert 16 <= found.size <= len(packet)
        assert len(found.client) in (0, 4, 16)


def test_a_health_check_names_no_client_whatever_it_holds() -> None:
    for family in (0x00, 0x11, 0x31, 0xFF):
        found = scan(SIGNATURE + struct.pack("!BBH", 0x20, family, 5) + b"what?query")
        assert found is not None
        assert (found.client, found.size) == (b"", 21)


@pytest.mark.parametrize("client", ["10.10.0.5", "::ffff:10.10.0.5"])
def test_an_ipv4_client_is_the_same_written_as_ipv6(client: str) -> None:
    found = scan(header(client))
    assert found is not None
    assert found.client == ip_address("10.10.0.5").packed
