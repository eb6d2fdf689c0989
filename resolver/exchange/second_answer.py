"""Compare two answers to one query that have come over one UDP socket.

Both have its ID and its port, which nobody can guess off the path: the server has sent both, or
somebody on the path has sent one. A filter that injects sends its answer before that of the server.

What must stay true:
- A difference alone says nothing of a forger: a load balancer that sends a query to two caches
  gives two answers, and these have different addresses of one content network.
"""

from typing import Final

from resolver.dns import codes
from resolver.dns.response import Response, scan
from resolver.dns.scanned_record import answer_records
from resolver.policy.filter_addresses import FilterAddresses
from resolver.policy.verdict import Outcome

SAME: Final = ""
NATIONAL_FILTER: Final[str] = Outcome.NATIONAL_FILTER.label
OTHER: Final = "other"
KINDS: Final[tuple[str, ...]] = (NATIONAL_FILTER, OTHER)


def difference(first: bytes, second: bytes, filter_addresses: FilterAddresses | None) -> str:
    """Whether two packets are answers to one question that differ, and by whom: one of ``KINDS``.

    Compared are the rcode and the addresses, whatever their order and their TTLs. Nothing is said
    of a truncated answer, which may have a part of them.
    """
    earlier, later = scan(first), scan(second)
    if earlier is None or later is None or earlier.question != later.question:
        return SAME
    if (earlier.flags | later.flags) & codes.TC:
        return SAME
    if earlier.rcode == later.rcode and _addresses(earlier) == _addresses(later):
        return SAME
    if filter_addresses is None:
        return OTHER
    is_filtered = filter_addresses.in_response(earlier) or filter_addresses.in_response(later)
    return NATIONAL_FILTER if is_filtered else OTHER


def _addresses(response: Response) -> frozenset[bytes]:
    """The addresses in the answer section."""
    records = answer_records(response)
    return frozenset([record.rdata for record in records if record.rtype in (codes.A, codes.AAAA)])
