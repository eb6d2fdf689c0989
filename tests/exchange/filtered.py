"""A filter for tests: one address that it answers with."""

from ipaddress import ip_address

from resolver.policy.compiled import FilterRange
from resolver.policy.filter_addresses import FilterAddresses

FILTERED = "10.10.34.34"
FILTER = FilterAddresses([FilterRange(ip_address(FILTERED).packed, 32, "", "", 0)])
