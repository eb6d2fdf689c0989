"""Scrub a response: keep the records that answer the question, and leave out all others.

What must stay true:
- The answer section has the alias chain of the question, in its order, and nothing else (RFC 2181
  section 5.4.1): the type of the question, CNAME, DNAME, and with DO their RRSIGs. A CNAME that a
  DNAME makes is there too.
- The authority section has the SOA of a negative answer and, with DO, what proves the answer (RFC
  4035 section 3.1.3).
- The additional section is empty. Policy judges only targets, so an address there could pass
  unjudged.
"""

from collections.abc import Iterable
from typing import Final

from resolver.dns import codes, names
from resolver.dns.assembly import Assembly, rewritable
from resolver.dns.response import ANSWER, AUTHORITY, Response
from resolver.dns.scanned_record import Record, all_records, answer_rrsets, rrset_type
from resolver.exchange.alias_chain import AliasChain, MadeAlias

_SOA: Final = 1
_SOA_SIGNATURE: Final = 2
_PROOF: Final = 4
OTHER: Final = 8
"""Kinds of records in the authority section. A proof is an NSEC or NSEC3, or its RRSIG."""
_NO_TARGETS: Final[tuple[bytes, ...]] = ()


class Scrubbed:
    """A response with only the records to keep, and where its alias chain leads."""

    __slots__ = ("aliases", "is_loop", "is_positive", "response", "targets", "unfinished")

    def __init__(
        self,
        response: Response,
        is_positive: bool,
        targets: tuple[bytes, ...] = _NO_TARGETS,
        aliases: tuple[bytes, ...] = _NO_TARGETS,
        unfinished: bytes = b"",
        is_loop: bool = False,
    ) -> None:
        self.response = response
        self.is_positive = is_positive
        """Whether it has records that answer the question."""
        self.targets = targets
        """The names that the answer leads to, for policy."""
        self.aliases = aliases
        """Those of the alias chain; mostly the same tuple."""
        self.unfinished = unfinished
        """The last target of a chain that has no answer for it; empty if the chain is whole."""
        self.is_loop = is_loop
        """Whether the chain leads back to one of its own names."""


def scrub(response: Response, dnssec_ok: bool) -> Scrubbed:
    """Scrub the response to a question with or without DO. The response is changed."""
    is_noerror = response.rcode == codes.NOERROR
    if not response.is_indirect:
        is_positive = is_noerror and response.ends[ANSWER] > response.question_end
        return Scrubbed(_without_rest(response, dnssec_ok, is_positive), is_positive)
    qtype, answers = response.qtype, answer_rrsets(response)
    chain = AliasChain(response.name, qtype, answers, dnssec_ok)
    if chain.is_too_long and is_noerror:
        response.flags |= codes.YXDOMAIN  # RFC 6672 section 2.2
        response.rcode = codes.YXDOMAIN
        is_noerror = False
    if not chain.is_in_order(answers):
        response = _put_in_order(response, answers, chain)
        answers = answer_rrsets(response)
    is_positive = is_noerror and any(r.rtype == qtype for r in answers)
    is_loop = chain.is_loop and qtype != codes.CNAME  # RFC 1034 section 3.6.2
    targets = tuple([r.target for r in answers if r.target and r.target != names.ROOT])
    aliases = tuple([name for name in chain.names[1:] if name != names.ROOT])
    return Scrubbed(
        _without_rest(response, dnssec_ok, is_positive),
        is_positive,
        targets,
        targets if targets == aliases else aliases,
        chain.names[-1] if is_loop else _unfinished(response, answers, chain.names),
        is_loop,
    )


def has_other_types(response: Response) -> bool:
    """Whether the name of a question, which the response does not answer, exists all the same.

    The answer section has records of this name, of other types.
    """
    name = response.name
    return any(record.owner == name for record in answer_rrsets(response))


def _unfinished(response: Response, answers: list[Record], chain: list[bytes]) -> bytes:
    qtype, end = response.qtype, chain[-1]
    if len(chain) == 1 or response.rcode != codes.NOERROR or qtype == codes.CNAME:
        return b""
    ends = any(r.owner == end and r.rtype == qtype for r in answers)
    return b"" if ends or response.soa_at else end


def _without_rest(response: Response, dnssec_ok: bool, is_positive: bool) -> Response:
    """Leave out the additional section, and authority records of no use to the client."""
    if response.end == response.ends[ANSWER]:
        return response
    kept = 0 if is_positive else _SOA
    if dnssec_ok:
        kept |= _PROOF if is_positive else _PROOF | _SOA_SIGNATURE
    kinds = authority_kinds(response)
    if kinds & kept and kinds & ~kept:
        response = rewritable(response)
        response = _assembled_of(response, [r for r in all_records(response) if _is_kept(r, kept)])
    response.keep(AUTHORITY if kinds & kept else ANSWER)
    return response


def authority_kinds(response: Response) -> int:
    """The kinds of records in the authority section, one bit each."""
    answered, authorities, _ = response.counts
    kinds = 0
    for at in response.type_offsets[answered : answered + authorities]:
        rtype = response.packet[at] << 8 | response.packet[at + 1]
        kinds |= _kind(rtype, rrset_type(response.packet, at))
    return kinds


def _kind(rtype: int, rrset: int) -> int:
    if rrset == codes.SOA:
        return _SOA if rtype == codes.SOA else _SOA_SIGNATURE
    return _PROOF if rrset in (codes.NSEC, codes.NSEC3) else OTHER


def _is_kept(record: Record, kept: int) -> bool:
    """Whether a record is not in the authority section, or is there of a kind to keep."""
    return record.section != AUTHORITY or _kind(record.rtype, record.rrset) & kept != 0


def _put_in_order(response: Response, answers: list[Record], chain: AliasChain) -> Response:
    """The response with the records of its chain alone in the answer section, in their order."""
    writable = rewritable(response)
    if writable is not response:
        return writable
    rest = range(len(answers), len(response.type_offsets))
    others = [Record(response, number) for number in rest]
    return _assembled_of(response, [*chain.in_order(answers), *others])


def _assembled_of(response: Response, records: Iterable[Record | MadeAlias]) -> Response:
    """The response with these records instead of its own."""
    assembly = Assembly(response.question)
    for record in records:
        if isinstance(record, MadeAlias):
            assembly.add_alias(ANSWER, record.owner, record.ttl, record.target)
        else:
            assembly.add(record)
    assembled = assembly.response(response.flags)
    assembled.rcode |= response.rcode & ~codes.RCODE
    assembled.errors = response.errors
    return assembled
