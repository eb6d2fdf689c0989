"""Probe an upstream server: whether it is verified, answers rightly, and validates DNSSEC.

It is asked for a name that exists. An answer with an error is wrong, and so is one that says
nothing about the name: the server refuses these queries, or knows other zones alone. It is also
asked for a made-up name. An address for that is wrong: the server rewrites NXDOMAIN, or somebody on
the path does. So is an address of the national filter, whose answers for other names are no
answers: a made-up name is not among those that it bans.

A server that validates sets AD on the signed name, answers the bogus one with SERVFAIL, and gives
its records where CD disables checking (RFC 4035 section 3.2.2). Any other result proves nothing:
the names may have changed, or the network may be down.
"""

from collections.abc import Iterator
from typing import NamedTuple

from resolver.dns import codes
from resolver.dns.response import ANSWER, Response
from resolver.dns.scanned_record import answer_records
from resolver.exchange.upstream_query import is_lame
from resolver.policy.filter_addresses import FilterAddresses
from resolver.transport.tls_session import TlsError
from resolver.upstream.probe_queries import ProbeQuery, ask
from resolver.upstream.server_address import ServerAddress


class Probed(NamedTuple):
    """What the probe of a server has found."""

    validates: bool
    wrong: str
    """What is wrong with the answer for a name that exists; empty without an answer, too."""
    unverified: str = ""
    """Why TLS with it failed; empty where it did not."""
    rewrites: bool = False
    """Whether it gave an address for a name that does not exist."""


class ProbedNames(NamedTuple):
    """The names that a server is asked for, in wire form, and the filter whose answers are none."""

    exists: bytes
    made_up: bytes
    """Empty for a server that is not asked for such a name."""
    signed: bytes
    bogus: bytes
    filter_addresses: FilterAddresses | None = None

    def queries(self) -> Iterator[ProbeQuery]:
        """The queries for these names: the made-up one is the last, if there is one."""
        asked = [(self.exists, codes.AD), (self.signed, codes.AD), (self.bogus, codes.AD)]
        for name, flag in (*asked, (self.bogus, codes.CD)):
            yield ProbeQuery(name, flag, self.filter_addresses)
        if self.made_up:
            yield ProbeQuery(self.made_up)


async def probe(server: ServerAddress, names: ProbedNames) -> Probed:
    """Probe a server."""
    queries = list(names.queries())
    try:
        answers = await ask(server, queries)
    except TlsError as error:
        return Probed(False, "", str(error))
    rewrites = any(has_address(answer) for answer in answers[4:])
    return Probed(is_passed(*answers[1:4]), fault_of(answers[0]), rewrites=rewrites)


def fault_of(answer: Response | None) -> str:
    """What is wrong with an answer for a name that exists; empty where nothing is known to be."""
    if answer is None:
        return ""
    if answer.rcode != codes.NOERROR:
        return codes.rcode_text(answer.rcode)
    has_records = answer.ends[ANSWER] > answer.question_end
    return "" if has_records or not is_lame(answer) else "neither records nor a denial"


def has_address(answer: Response | None) -> bool:
    """Whether an answer has an A record."""
    return answer is not None and any(record.rtype == codes.A for record in answer_records(answer))


def is_passed(signed: Response | None, bogus: Response | None, unchecked: Response | None) -> bool:
    """Whether these answers prove that their server validates; None is no answer."""
    return (
        (signed is not None and signed.rcode == codes.NOERROR and signed.flags & codes.AD != 0)
        and (bogus is not None and bogus.rcode == codes.SERVFAIL)
        and (unchecked is not None and unchecked.rcode == codes.NOERROR)
    )
