"""Which lines of a file of address ranges are used, and why others are not."""

import pytest

from resolver.lists.ranges import read_ranges

TEXT = """! Source: https://core.telegram.org/resources/cidr.txt
# Telegram Messenger
149.154.160.0/20
2001:67c:4e8::/48  # also IPv6
149.154.160.0/20
91.108.4.1/32
"""

REFUSED = {
    "149.154.160.1/20": "149.154.160.1/20 has host bits set",
    "telegram.org": "'telegram.org' does not appear to be an IPv4 or IPv6 network",
    "10.0.0.0/16": "not public",
    "100.64.0.0/16": "not public",
    "fd00::/48": "not public",
    "::ffff:0:0/96": "not public",
    "0.0.0.0/0": "not public|wider",
    "8.0.0.0/8": "wider than /12",
    "2a00::/16": "wider than /24",
    "::91.108.4.0/120": "IPv4 addresses inside IPv6",
    "64:ff9b::959a:a000/116": "IPv4 addresses inside IPv6",
    "64:ff9b::/64": "IPv4 addresses inside IPv6",
    "2002:959a:a000::/36": "IPv4 addresses inside IPv6|not public",  # since Python 3.13, the latter
}


def test_prefixes_are_read_with_their_lines() -> None:
    read = read_ranges(TEXT, "telegram", "telegram.ip", "messenger")
    assert [(str(item.network), item.line) for item in read.ranges] == [
        ("149.154.160.0/20", 3),
        ("2001:67c:4e8::/48", 4),
        ("91.108.4.1/32", 6),
    ]
    assert (read.service, read.category, read.skipped) == ("telegram", "messenger", ())


@pytest.mark.parametrize("line", REFUSED)
def test_a_line_that_would_block_others_is_skipped(line: str) -> None:
    read = read_ranges(line, "telegram", "telegram.ip", "messenger")
    assert not read.ranges
    [skipped] = read.skipped
    assert any(part in skipped.reason for part in REFUSED[line].split("|"))
