"""Read the address ranges of a service: a file such as ``telegram.ip`` beside ``telegram.txt``.

A line is a prefix, such as ``149.154.160.0/20``, with or without a comment (``#``) behind it; or
a comment (``!`` or ``#``). Answers that lead to an address in a range are judged as names are. So
a range with addresses of others would block what is exempt: wide and special ranges are refused.

A file such as ``line.firewall`` is for firewalls alone. No answer is judged by it. Its ending is
another, so that a release that does not know such files judges by none of them.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from resolver.dns.ipv4_in_ipv6 import without_ipv6
from resolver.lists.rules import BlockList, Range, SkippedLine

FOR_ANSWERS: Final = ".ip"
FOR_FIREWALLS: Final = ".firewall"
ENDINGS: Final = (FOR_ANSWERS, FOR_FIREWALLS)
"""Of the files of ranges."""
_LEAST_LENGTH: Final = {4: 12, 6: 24}
"""The shortest prefix by version: no messenger owns more addresses."""


def read_ranges(text: str, service: str, file: str, category: str) -> BlockList:
    """Read the ranges of a service; a line that cannot be used is skipped with the reason.

    Args:
        text: The lines of the file.
        service: The service that owns the addresses.
        file: Where the text was read from.
        category: That of the service's list of names.
    """
    ranges: list[Range] = []
    skipped: list[SkippedLine] = []
    for line, content in enumerate(text.split("\n"), start=1):
        prefix = content.partition("#")[0].strip()
        if not prefix or prefix.startswith("!"):
            continue
        found = _read(prefix)
        if isinstance(found, str):
            skipped.append(SkippedLine(line, content.strip()[:100], found))
        elif all(found != each.network for each in ranges):
            ranges.append(Range(found, line))
    return BlockList(
        service,
        file,
        category=category,
        ranges=tuple(ranges),
        skipped=tuple(skipped),
        for_firewalls=file.endswith(FOR_FIREWALLS),
    )


def _read(prefix: str) -> IPv4Network | IPv6Network | str:
    """The prefix, or the reason why it cannot be used."""
    try:
        network = ip_network(prefix)
    except ValueError as error:
        return f"{error}; a prefix is expected, such as 149.154.160.0/20"
    if not network.is_global:
        return "addresses that are not public belong to no messenger"
    least = _LEAST_LENGTH[network.version]
    if network.prefixlen < least:
        return f"a range wider than /{least} has addresses of others"
    if network.version == 6:
        ends = (network.network_address.packed, network.broadcast_address.packed)
        if any(without_ipv6(each) != each for each in ends):
            return "IPv4 addresses inside IPv6; the range of the IPv4 addresses covers them"
    return network
