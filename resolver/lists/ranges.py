"""Read prefixes of addresses: the ranges of a service, and the addresses of a filter.

A line is a prefix, such as ``149.154.160.0/20``, with or without a comment (``#``) behind it; or
a comment (``!`` or ``#``). The ending of a file says what its prefixes are for:

- ``telegram.ip``, beside ``telegram.txt``: answers that lead to an address in a range are judged
  as names are. So a range with addresses of others would block what is exempt: wide and special
  ranges are refused.
- ``line.firewall``: firewalls alone. No answer is judged by it.
- ``national.filter``: the addresses that a filter on the path to the upstreams answers with; what
  each stands for is behind ``#``. An answer with such an address is reported as the filter's, and
  nothing is blocked by it.

The endings differ from that of lists, so that a release that does not know such files judges by
none of them.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, NamedTuple

from resolver.dns.ipv4_in_ipv6 import without_ipv6
from resolver.lists.rules import BlockList, Range, SkippedLine

FOR_ANSWERS: Final = ".ip"
FOR_FIREWALLS: Final = ".firewall"
ENDINGS: Final = (FOR_ANSWERS, FOR_FIREWALLS)
"""Of the files of ranges."""
OF_FILTER: Final = ".filter"


class _Expected(NamedTuple):
    """What the prefixes of a file must be."""

    what: str
    example: str
    least: Mapping[int, int]
    """The shortest prefix by version: a wider one has addresses of others."""
    is_public: bool


_SERVICE: Final = _Expected("range", "149.154.160.0/20", {4: 12, 6: 24}, is_public=True)
"""No messenger owns more addresses."""
_FILTER: Final = _Expected("prefix", "10.10.34.34/31", {4: 24, 6: 64}, is_public=False)
"""A filter answers with few addresses."""


def read_ranges(text: str, service: str, file: str, category: str) -> BlockList:
    """Read the ranges of a service; a line that cannot be used is skipped with the reason.

    Args:
        text: The lines of the file.
        service: The service that owns the addresses.
        file: Where the text was read from.
        category: That of the service's list of names.
    """
    ranges, skipped = _read(text, _SERVICE)
    return BlockList(
        service,
        file,
        category=category,
        ranges=ranges,
        skipped=skipped,
        for_firewalls=file.endswith(FOR_FIREWALLS),
    )


def read_filter(text: str, name: str, file: str) -> BlockList:
    """Read the addresses of a filter; a line that cannot be used is skipped with the reason."""
    ranges, skipped = _read(text, _FILTER)
    return BlockList(name, file, ranges=ranges, skipped=skipped, of_filter=True)


def _read(text: str, expected: _Expected) -> tuple[tuple[Range, ...], tuple[SkippedLine, ...]]:
    """The prefixes, none twice, and the lines that cannot be used."""
    ranges: list[Range] = []
    skipped: list[SkippedLine] = []
    for line, content in enumerate(text.split("\n"), start=1):
        prefix, _, meaning = map(str.strip, content.partition("#"))
        if not prefix or prefix.startswith("!"):
            continue
        network = _read_prefix(prefix, expected)
        if isinstance(network, str):
            skipped.append(SkippedLine(line, content.strip()[:100], network))
        elif all(network != known.network for known in ranges):
            ranges.append(Range(network, line, meaning))
    return tuple(ranges), tuple(skipped)


def _read_prefix(prefix: str, expected: _Expected) -> IPv4Network | IPv6Network | str:
    """The prefix, or the reason why it cannot be used."""
    try:
        network = ip_network(prefix)
    except ValueError as error:
        return f"{error}; a prefix is expected, such as {expected.example}"
    if expected.is_public and not network.is_global:
        return "addresses that are not public belong to no messenger"
    least = expected.least[network.version]
    if network.prefixlen < least:
        return f"a {expected.what} wider than /{least} has addresses of others"
    if network.version == 6:
        ends = (network.network_address.packed, network.broadcast_address.packed)
        if any(without_ipv6(end) != end for end in ends):
            inside = "IPv4 addresses inside IPv6"
            return f"{inside}; the {expected.what} of the IPv4 addresses covers them"
    return network
