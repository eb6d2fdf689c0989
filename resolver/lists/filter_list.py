"""Read the addresses of a filter on the path to the upstreams: a file such as ``national.filter``.

A line is a prefix and, behind ``#``, what it stands for; or a comment (``!`` or ``#``). An answer
with such an address is reported as the filter's, and nothing is blocked by it. The ending differs
from those of lists, so that a release that does not know such files takes none for a list.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from resolver.dns.ipv4_in_ipv6 import without_ipv6
from resolver.lists.rules import BlockList, Range, SkippedLine

ENDING: Final = ".filter"
_LEAST_LENGTH: Final = {4: 24, 6: 64}
"""The shortest prefix by version: a filter answers with few addresses, and a wider prefix would
have those of a whole network."""


def read_filter(text: str, name: str, file: str) -> BlockList:
    """Read the addresses of a filter; a line that cannot be used is skipped with the reason."""
    ranges: list[Range] = []
    skipped: list[SkippedLine] = []
    for line, content in enumerate(text.split("\n"), start=1):
        prefix, _, meaning = map(str.strip, content.partition("#"))
        if not prefix or prefix.startswith("!"):
            continue
        found = _read(prefix)
        if isinstance(found, str):
            skipped.append(SkippedLine(line, content.strip()[:100], found))
        elif all(found != each.network for each in ranges):
            ranges.append(Range(found, line, meaning))
    return BlockList(name, file, ranges=tuple(ranges), skipped=tuple(skipped), of_filter=True)


def _read(prefix: str) -> IPv4Network | IPv6Network | str:
    """The prefix, or the reason why it cannot be used."""
    try:
        network = ip_network(prefix)
    except ValueError as error:
        return f"{error}; a prefix is expected, such as 10.10.34.34/31"
    least = _LEAST_LENGTH[network.version]
    if network.prefixlen < least:
        return f"a prefix wider than /{least} has addresses of others"
    ends = (network.network_address.packed, network.broadcast_address.packed)
    if any(without_ipv6(each) != each for each in ends):
        return "IPv4 addresses inside IPv6; the prefix of the IPv4 addresses covers them"
    return network
