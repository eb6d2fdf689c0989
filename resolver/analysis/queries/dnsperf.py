"""A file of questions as dnsperf reads it: a name and a type on each line.

The address of the client may come first. That is what ``tshark`` prints of a capture with the
fields ``ip.src``, ``ipv6.src``, ``dns.qry.name`` and ``dns.qry.type``, so a type may be a number.
"""

from functools import lru_cache
from ipaddress import ip_address
from itertools import islice

from resolver.analysis.queries.lines import Parsed, parse_line, parse_question, read_lines
from resolver.analysis.queries.query import ANY_REQUESTER, QueryCounts, Requester

_TRIED = 50


def read(content: bytes, counts: QueryCounts) -> None:
    """Count all questions."""
    read_lines(content, counts, lru_cache(1 << 16)(_parse))


def _parse(line: str) -> Parsed:
    match line.split():
        case [name, type_]:
            who = ANY_REQUESTER
        case [client, name, type_]:
            try:
                who = Requester(client=str(ip_address(client)))
            except ValueError:
                return "not a client's address"
        case _:
            return "not a name and a type"
    question = parse_question(who, name, f"TYPE{type_}" if type_.isdigit() else type_)
    return question if isinstance(question, str) else (question, 1)


def is_dnsperf(content: bytes) -> bool:
    """Whether most of the first lines are questions."""
    parsed = (parse_line(line, _parse) for line in content.split(b"\n"))
    tried = list(islice((result for result in parsed if result is not None), _TRIED))
    return 2 * sum(isinstance(result, tuple) for result in tried) > len(tried)
