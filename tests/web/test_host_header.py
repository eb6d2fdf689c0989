"""The Host header: names that a website can have do not open the status page."""

import socket
from dataclasses import replace

import pytest

from resolver.dns import names
from resolver.dns.local_record import LocalName
from resolver.policy.compiled import CompiledConfig
from resolver.policy.upstream_groups import ForwardZone
from resolver.web.host_header import is_own
from tests.web.judged import engine


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledConfig:
    compiled = engine(tmp_path_factory.mktemp("config")).compiled
    zones = (names.parse("agency.internal"), names.ROOT)
    forward = tuple(ForwardZone(zone, "") for zone in zones)
    return replace(compiled, forward=forward, local=(LocalName(names.parse("dns.agency.gov"), ()),))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:9153", "127.0.0.1", "10.0.0.5:9153", "[::1]:9153", "[fd00::54]"),
        *("localhost:9153", "LocalHost", "localhost.:9153"),
        *("dns.agency.gov:9153", "DNS.Agency.Gov", "ns1.agency.internal", "agency.internal:80"),
    ],
)
def test_our_own_names(host: str, compiled: CompiledConfig) -> None:
    assert is_own(host, compiled)


def test_the_machines_name(compiled: CompiledConfig) -> None:
    assert is_own(f"{socket.gethostname()}:9153", compiled)
    assert is_own(socket.gethostname().upper(), compiled)


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example", "evil.example:9153", "evil.example/localhost"),
        *("127.0.0.1.evil.example", "localhost.evil.example", "agency.internal.evil.example"),
        *("evilagency.internal", "www.dns.agency.gov", "agency.gov", "a..b", "x" * 300),
        *("[::1", "::1", "127.0.0.1:9153:1", "[evil.example]"),
    ],
)
def test_names_that_a_website_can_have(host: str, compiled: CompiledConfig) -> None:
    assert not is_own(host, compiled)
