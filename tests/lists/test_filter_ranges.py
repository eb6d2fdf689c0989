"""Which lines of a file of a filter's addresses are used, and the file of the release."""

from pathlib import Path

import pytest

from resolver.lists.ranges import read_filter

SHIPPED = Path(__file__).parents[2] / "blocklists" / "national.filter"
TEXT = """! Source: somebody
# a comment
10.10.34.34/31  # a page
d0::11/128
10.10.34.34/31  # the same once more
"""
REFUSED = {
    "10.10.34.34/30": "has host bits set",
    "filter.example": "does not appear to be an IPv4 or IPv6 network",
    "10.10.0.0/16": "wider than /24",
    "2001:4188::/32": "wider than /64",
    "::ffff:10.10.34.34/128": "IPv4 addresses inside IPv6",
    "64:ff9b::/96": "IPv4 addresses inside IPv6",
    "2002:a0a:2222::/64": "IPv4 addresses inside IPv6",
}


def test_prefixes_are_read_with_what_they_stand_for() -> None:
    read = read_filter(TEXT, "national", "national.filter")
    assert [(str(item.network), item.line, item.meaning) for item in read.ranges] == [
        ("10.10.34.34/31", 3, "a page"),
        ("d0::11/128", 4, ""),
    ]
    assert (read.skipped, read.of_filter) == ((), True)


@pytest.mark.parametrize("prefix", REFUSED)
def test_a_prefix_that_is_none_of_a_filter_is_skipped(prefix: str) -> None:
    read = read_filter(f"\n{prefix} # a page\n", "national", "national.filter")
    [skipped] = read.skipped
    assert (read.ranges, skipped.line) == ((), 2)
    assert REFUSED[prefix] in skipped.reason


def test_the_shipped_file_has_the_known_addresses_and_nothing_beside_them() -> None:
    read = read_filter(SHIPPED.read_text(encoding="utf-8"), "national", "national.filter")
    assert read.skipped == ()
    assert all(item.meaning for item in read.ranges)
    assert sorted(str(address) for item in read.ranges for address in item.network) == [
        *("10.10.34.34", "10.10.34.35", "10.10.34.36"),
        *(f"2001:4188:2:600:10:10:34:{last}" for last in (34, 35, 36)),
        "d0::11",
    ]
