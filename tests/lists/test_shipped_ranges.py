"""The address ranges of ``blocklists/``: whole, apart, and nobody's but the service's.

No test knows the addresses of popular names: they change by the hour and by the network. Sites
share the addresses of content networks, so the ranges of two of these are compared. README.md
says what else was compared by hand.
"""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import pairwise
from pathlib import Path

import pytest

from blocklists.build import HERE, read_decisions
from resolver.lists.ranges import ENDINGS, read_ranges
from resolver.lists.rules import BlockList
from tests.lists.guard_sets import DATA

Network = IPv4Network | IPv6Network


def _read(path: Path) -> BlockList:
    return read_ranges(path.read_text(encoding="utf-8"), path.stem, path.name, "")


FILES = sorted(path for end in ENDINGS for path in HERE.glob(f"*{end}"))
RANGES = {path.stem: _read(path) for path in FILES}
NETWORKS = {service: [item.network for item in read.ranges] for service, read in RANGES.items()}
REFUSED = {
    decided.file.rpartition(".")[0]: decided.rules(taken=False)
    for decided in read_decisions(HERE / "decisions.toml")
    if decided.addresses
}

CLOUDFLARE = (
    *("173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22"),
    *("141.101.64.0/18", "108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20"),
    *("197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13"),
    *("104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22", "2400:cb00::/32", "2606:4700::/32"),
    *("2803:f800::/32", "2405:b500::/32", "2405:8100::/32", "2a06:98c0::/29", "2c0f:f248::/32"),
)
"""www.cloudflare.com/ips."""

CLOUDFLARE_RESOLVERS = ip_network("2606:4700:4700::/48")
"""Of these, the addresses of Cloudflare's resolver alone (1.1.1.1 is outside of the ranges)."""

FASTLY = (
    *("23.235.32.0/20", "43.249.72.0/22", "103.244.50.0/24", "103.245.222.0/23"),
    *("103.245.224.0/24", "104.156.80.0/20", "140.248.64.0/18", "140.248.128.0/17"),
    *("146.75.0.0/17", "151.101.0.0/16", "157.52.64.0/18", "167.82.0.0/17", "167.82.128.0/20"),
    *("167.82.160.0/20", "167.82.224.0/20", "172.111.64.0/18", "185.31.16.0/22"),
    *("199.27.72.0/21", "199.232.0.0/16", "2a04:4e40::/32", "2a04:4e42::/32"),
)
"""api.fastly.com/public-ip-list."""

SHARED = [ip_network(text) for text in (*CLOUDFLARE, *FASTLY)]

each_service = pytest.mark.parametrize("service", RANGES)


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _shared(network: Network) -> bool:
    own = _overlap(network, CLOUDFLARE_RESOLVERS)
    return not own and any(_overlap(network, item) for item in SHARED)


def test_the_named_ranges_are_shipped() -> None:
    assert RANGES.keys() == {"telegram", "viber", "line", "encrypted-dns"}
    judged = [service for service, read in RANGES.items() if not read.for_firewalls]
    assert judged == ["telegram"]


@each_service
def test_every_line_is_read(service: str) -> None:
    assert RANGES[service].ranges
    assert RANGES[service].skipped == ()


def test_no_prefix_lies_in_another() -> None:
    everything = [network for networks in NETWORKS.values() for network in networks]
    for version in (4, 6):
        ordered = sorted(
            (int(network.network_address), int(network.broadcast_address), str(network))
            for network in everything
            if network.version == version
        )
        assert [(one, other) for one, other in pairwise(ordered) if other[0] <= one[1]] == []


@each_service
def test_nothing_that_was_refused_is_covered(service: str) -> None:
    refused = [ip_network(text) for text in REFUSED[service]]
    covered = [
        (str(network), str(taken))
        for network in refused
        for taken in NETWORKS[service]
        if _overlap(network, taken) and network.prefixlen >= taken.prefixlen
    ]
    assert covered == []


@each_service
def test_no_address_is_shared_with_sites_of_content_networks(service: str) -> None:
    assert [str(network) for network in NETWORKS[service] if _shared(network)] == []


def test_what_was_refused_would_be_found_in_the_content_networks() -> None:
    found = [text for text in REFUSED["encrypted-dns"] if _shared(ip_network(text))]
    assert {"104.16.248.249/32", "2606:4700::6810:f8f9/128"} <= set(found)


def test_encrypted_dns_has_single_addresses_alone() -> None:
    networks = NETWORKS["encrypted-dns"]
    assert [str(network) for network in networks if network.num_addresses > 1] == []


@pytest.mark.parametrize(
    ("service", "address"),
    [
        ("telegram", "149.154.167.51"),
        ("line", "147.92.146.129"),
        ("line", "2400:dcc0:a3a1:1001::2"),
        *(("encrypted-dns", text) for text in ("8.8.8.8", "1.1.1.1", "9.9.9.9", "94.140.14.14")),
        *(("encrypted-dns", text) for text in ("2001:4860:4860::8888", "2606:4700:4700::1111")),
    ],
)
def test_a_known_server_is_covered(service: str, address: str) -> None:
    assert any(ip_address(address) in network for network in NETWORKS[service])


@pytest.mark.shared_data
def test_no_messenger_has_an_address_whose_reverse_name_is_popular() -> None:
    names = (DATA / "popular-names.txt").read_text(encoding="utf-8").split()
    labels = [name.removesuffix(".in-addr.arpa").split(".") for name in names if _is_reverse(name)]
    addresses = [ip_address(".".join(reversed(label))) for label in labels]
    assert len(addresses) > 1_000
    services = ("telegram", "line", "viber")
    messengers = [network for service in services for network in NETWORKS[service]]
    assert [str(a) for a in addresses if any(a in network for network in messengers)] == []


def _is_reverse(name: str) -> bool:
    return name.endswith(".in-addr.arpa") and name.count(".") == 5
