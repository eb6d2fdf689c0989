"""Who is told what becomes of queries, besides the counters: in most networks nobody is.

The block log wants every blocked query, ``darban record`` every name that is asked, the
status who is refused. A prepared answer is sent without anybody being told; so whatever is
wanted is not prepared while it is wanted.

What must stay true:
- A witness only listens: with any or none of them, every reply is the same.
"""

from typing import Protocol

from resolver.dns.query import Query
from resolver.policy.verdict import Verdict
from resolver.policy.view import View


class Witness(Protocol):
    """Told by ``query.Resolver``, while a packet is being answered."""

    wants_questions: bool
    """Whether ``asked`` is to be told of every question of a known client."""
    wants_blocks: bool
    """Whether ``blocked`` is to be told of every query that is, or would be, blocked."""

    def asked(self, view: View, query: Query) -> None:
        """A client of a VLAN has asked something that could be read."""

    def blocked(self, address: str, view: View, query: Query, verdict: Verdict) -> None:
        """A query was blocked, or would have been; the verdict names the target, if it was one."""

    def refused(self, address: str) -> None:
        """A client that no VLAN holds was refused."""


class Nobody:
    """A witness that wants to hear nothing."""

    wants_questions = False
    wants_blocks = False

    def asked(self, view: View, query: Query) -> None:
        """Not told of."""

    def blocked(self, address: str, view: View, query: Query, verdict: Verdict) -> None:
        """Not told of."""

    def refused(self, address: str) -> None:
        """Let it be."""
