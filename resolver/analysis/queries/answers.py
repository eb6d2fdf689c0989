"""The answers that a capture has, so that policy can judge their targets.

What must stay true: a reply that a policy has blocked is no answer. It says nothing of the targets
that the name has where it is not blocked.
"""

from collections.abc import Set

from resolver.dns import codes, render
from resolver.dns.assembly import assembled
from resolver.dns.records import answer_records
from resolver.dns.render import is_own_negative
from resolver.dns.response import Response, scan
from resolver.exchange.entry import CacheEntry, make_entry
from resolver.exchange.failure import Failure
from resolver.exchange.question import UpstreamQuestion

_BLOCKS = frozenset({15, 16, 17, 18})
"""Extended DNS Errors of blocked replies: blocked, censored, filtered, prohibited (RFC 8914)."""
_BINDINGS = frozenset({codes.SVCB, codes.HTTPS})
"""Types whose own records have targets, besides the aliases of the name."""
_NO_TARGET = b""
_UNKNOWN = Failure(codes.EDE_OTHER, "the file has no answer")


class CapturedAnswers:
    """The first answer to each question."""

    def __init__(self, sinkholes: Set[bytes]) -> None:
        """``sinkholes`` are the addresses that blocked replies have: 4 or 16 octets."""
        self._sinkholes = {bytes(4), bytes(16), *sinkholes}
        self._packets: dict[tuple[bytes, int], bytes] = {}
        """By name and type."""
        self._aliases: dict[bytes, bytes] = {}
        """By name, an answer of any type: the aliases of a name are the same for all types."""

    def __len__(self) -> int:
        return len(self._packets)

    def add(self, packet: bytes) -> None:
        """Keep a response, if it is the first one to its question that shows its targets."""
        response = scan(packet)
        if response is None or not self._is_answer(response):
            return
        kept = packet if response.is_indirect else _NO_TARGET
        self._packets.setdefault((response.name, response.qtype), kept)
        if response.qtype not in _BINDINGS:
            self._aliases.setdefault(response.name, kept)

    def ask(self, question: UpstreamQuestion) -> CacheEntry | Failure:
        """The answer to a question, as an upstream would give it."""
        packet = self._packets.get((question.name, question.qtype))
        if packet is None and question.qtype not in _BINDINGS:
            packet = self._aliases.get(question.name)
        if packet is None:
            return _UNKNOWN
        response = scan(packet) if packet else None
        if response is None:
            asked = render.question(question.name, question.qtype)
            response = assembled(0, asked, (0, 0, 0), b"")
        return make_entry(response, 0.0, question.dnssec_ok)

    def _is_answer(self, response: Response) -> bool:
        if response.flags & codes.TC or response.rcode not in (codes.NOERROR, codes.NXDOMAIN):
            return False
        if any(int.from_bytes(error[:2], "big") in _BLOCKS for error in response.errors):
            return False
        if response.qtype == codes.ANY:  # a minimal answer does not say what else there is
            return any(record.rtype == codes.CNAME for record in answer_records(response))
        if not response.counts[0]:
            return bool(response.soa_at) and not is_own_negative(response.packet)
        addresses = (response.packet[each.rdata_at : each.end] for each in answer_records(response))
        return response.is_indirect or not self._sinkholes.intersection(addresses)
