"""The values that sections take, as read; what they refuse is in ``wrong/``."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from resolver.config import network_values, values
from resolver.config.network_values import SocketAddress
from resolver.config.values import RecordText
from resolver.policy.upstream_groups import ConfiguredServer


def read(kind: Any, value: object) -> object:  # noqa: ANN401 - a type or an annotation
    return TypeAdapter(kind).validate_python(value, strict=True)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (values.Prefix, "10.10.0.0/16", ip_network("10.10.0.0/16")),
        (values.Prefix, "FD00:10:0::/64", ip_network("fd00:10::/64")),
        (values.ClientAddress, "::1", ip_address("::1")),
        (network_values.Listen, "127.0.0.1:5300", SocketAddress(ip_address("127.0.0.1"), 5300)),
        (network_values.Listen, "[0:0::1]:53", SocketAddress(ip_address("::1"), 53)),
        (network_values.Bootstrap, "192.0.2.53", SocketAddress(ip_address("192.0.2.53"), 53)),
        (
            network_values.Bootstrap,
            "[2001:db8::53]:5353",
            SocketAddress(ip_address("2001:db8::53"), 5353),
        ),
        (network_values.Server, "system", ConfiguredServer("system", 53, "system")),
        (network_values.Server, "192.0.2.53", ConfiguredServer("192.0.2.53", 53, "address")),
        (network_values.Server, "192.0.2.53:5353", ConfiguredServer("192.0.2.53", 5353, "address")),
        (network_values.Server, "2001:db8::53", ConfiguredServer("2001:db8::53", 53, "address")),
        (
            network_values.Server,
            "[2001:DB8::53]:5353",
            ConfiguredServer("2001:db8::53", 5353, "address"),
        ),
        (
            network_values.Server,
            "Dns.Agency.Example.",
            ConfiguredServer("dns.agency.example", 53, "hostname"),
        ),
        (network_values.Server, "localhost:5353", ConfiguredServer("localhost", 5353, "hostname")),
        (
            network_values.Server,
            "tls://Dns.Example@192.0.2.53",
            ConfiguredServer("192.0.2.53", 853, "address", "dns.example"),
        ),
        (
            network_values.Server,
            "tls://dns.example@[2001:db8::53]",
            ConfiguredServer("2001:db8::53", 853, "address", "dns.example"),
        ),
        (values.DomainName, "Agency.Internal", b"\x06agency\x08internal\x00"),
        (values.DomainName, "0/26.2.ARPA.", b"\x040/26\x012\x04arpa\x00"),
        (values.CacheSize, "64MiB", 64 * 1024**2),
        (values.CacheSize, "64MB", 64 * 1000**2),
        (values.CacheSize, "1024 KiB", 1024**2),
        (values.CacheSize, "2GiB", 2 * 1024**3),
        (values.CacheSize, 1_048_576, 1024**2),
        (values.Record, "A 10.0.0.30", RecordText(None, "A", "10.0.0.30")),
        (values.Record, " 300  aaaa fd00::30 ", RecordText(300, "AAAA", "fd00::30")),
        (values.Record, 'TXT "one two"', RecordText(None, "TXT", '"one two"')),
        (values.ServiceReference, "@encrypted-dns", "@encrypted-dns"),
        (values.RecordType, "type65", "TYPE65"),
        (values.Identifier, "this-host_2.b", "this-host_2.b"),
    ],
)
def test_read(kind: object, text: object, value: object) -> None:
    assert read(kind, text) == value


@pytest.mark.parametrize(
    "endpoint",
    [
        SocketAddress(ip_address("127.0.0.1"), 53),
        SocketAddress(ip_address("::1"), 5300),
        SocketAddress(ip_address("0.0.0.0"), 65535),
    ],
)
def test_an_endpoint_prints_as_it_is_read(endpoint: SocketAddress) -> None:
    assert read(network_values.Listen, str(endpoint)) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        *("system", "192.0.2.53:53", "[::1]:5353", "dns.example:53"),
        *("tls://dns.example@192.0.2.53:853", "tls://dns.example@[2001:db8::53]:8853"),
    ],
)
def test_a_server_prints_as_it_is_read(text: str) -> None:
    assert str(read(network_values.Server, text)) == text


KINDS = [
    values.Prefix,
    values.ClientAddress,
    network_values.Listen,
    network_values.Bootstrap,
    network_values.Server,
    values.DomainName,
    values.Record,
    values.ServiceReference,
    values.ServiceName,
    values.Identifier,
    values.RecordType,
    values.Line,
    values.SomeLine,
]
TEXTS = st.text() | st.text("0123456789abc.:[]/@%-\\ MiB", max_size=20)


@given(st.sampled_from(KINDS), TEXTS | st.integers() | st.booleans() | st.lists(st.text()))
def test_what_is_refused_says_what_is_allowed(kind: object, value: object) -> None:
    try:
        read(kind, value)
    except ValidationError as refused:
        (error,) = refused.errors()
        assert isinstance(error["ctx"]["error"], values.InvalidValue)
        assert error["ctx"]["error"].expected
