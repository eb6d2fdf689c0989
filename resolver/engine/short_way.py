"""The short way: what is usual, answered with little.

The steps of ``query.Resolver.with_care``, in the same order, for a query whose form is known
(see ``answers.usual``): what is left is to read its name, ask policy about it, look it up and
put the reply together. One short way belongs to one generation, since all that forms know
does: the policy, the zones, where to count.

What it takes on this project's machine, in process, for blocked names that were never asked
before: 2.5 us, of which 1.4 are policy's look-up in 100,000 names.

What must stay true:
- It decides as ``with_care`` does and renders the same octets, or it decides nothing.
"""

from collections.abc import Callable

from resolver.dns import codes
from resolver.dns.names import MAX_LABEL, MAX_NAME
from resolver.dns.query import HEADER
from resolver.engine.answer_cache import Known
from resolver.engine.cache import Key
from resolver.engine.entry import Entry
from resolver.engine.labels import Counted, Path, Tally
from resolver.engine.prepared import Prepared
from resolver.engine.routing import Zones
from resolver.engine.transaction import Asked, AtOnce, Client, Forward
from resolver.engine.usual import Block, Form, Head
from resolver.policy.compiled import Terms
from resolver.policy.judge import Judge
from resolver.policy.verdict import BLOCKED, PASS, Verdict
from resolver.policy.view import View

_new = tuple.__new__
"""Makes a named tuple without the Python function that its name leads to."""


class ShortWay:
    """The short way of one generation."""

    def __init__(
        self,
        terms: Terms,
        judge: Judge,
        zones: Zones,
        known: Known,
        prepared: Prepared,
        count: Callable[[Tally], int],
        generation: int,
    ) -> None:
        """``count`` gives the place where a tally is counted."""
        self._terms = terms
        self._judge = judge
        self._zones = zones
        self._tops, self._everything = zones.tops, zones.everything
        self._known = known
        self._cache = known.cache
        self._look = known.cache.look
        self._prepared = prepared
        self._count = count
        self._generation = generation

    def answer(self, client: Client, packet: bytes, now: float) -> AtOnce | Forward | None:
        """What becomes of a packet of a known form; None where it has to go with care."""
        at = HEADER
        try:
            while length := packet[at]:
                if length > MAX_LABEL:
                    return None
                at += length + 1
        except IndexError:
            return None
        form = client.shelf.forms.get(packet[2:HEADER] + packet[at + 1 :])
        view = client.view
        if form is None or view is None or at >= HEADER + MAX_NAME:
            return None
        name = packet[HEADER : at + 1].lower()
        group = view.policy.upstream
        if name[-3:] in self._tops or self._everything:
            zoned = self._zones.group(name, group)
            if zoned is None:
                return None
            group = zoned
        verdict, key = self._judge.glance(view, name)
        if verdict.outcome is BLOCKED:
            return self._block(form, packet, at + 5, view, verdict, key)
        qtype, dnssec_ok, checking_disabled = form.rest
        question = (name, qtype, dnssec_ok, checking_disabled, group)
        kept = self._look(question)
        if kept is not None:
            return self._tell_cached(form, client, packet, at + 5, verdict, kept, now)
        wanted = _new(Key, question)
        if not form.flags & codes.RD or self._known.failures.get(wanted, now) is not None:
            return None
        self._cache.misses += 1
        query = form.query(packet, name)
        asked = _new(Asked, (query, client.source, view, verdict, group, form))
        return _new(Forward, (asked, wanted, self._generation, now, None))

    def _block(
        self, form: Form, packet: bytes, end: int, view: View, verdict: Verdict, key: bytes
    ) -> AtOnce | None:
        if not key:  # a rule for every name there is has no name to stand at
            return None
        blocked = form.blocks.get((verdict.service, verdict.all_below))
        if blocked is None:
            if not verdict.key:
                return None
            blocked = Block(form, view, verdict, self._terms)
            blocked.counted = self._counted(view, verdict, blocked.rcode, form.qtype)
            form.blocks[verdict.service, verdict.all_below] = blocked
        reply = blocked.reply(packet, end, key)
        return None if reply is None else (reply, blocked.counted)

    def _tell_cached(
        self,
        form: Form,
        client: Client,
        packet: bytes,
        end: int,
        verdict: Verdict,
        kept: Entry,
        now: float,
    ) -> AtOnce | None:
        """The reply that an entry of the cache makes."""
        view = client.view
        if view is None or now >= kept.fresh_until:
            return None
        head = self._head(form, view, verdict, kept)
        if head is None:
            return None
        reply = form.tell(packet[:2], packet[HEADER:end], head.octets, kept, now)
        if reply is None:
            return None
        self._cache.hits += 1
        kept.used = True
        self._prepared.prepare(client.shelf, packet[2:], reply, head.again, kept, now)
        return reply, head.counted

    def tell(self, form: Form, asked: Asked, kept: Entry, now: float) -> AtOnce | None:
        """The reply that an entry makes which has just come."""
        query = asked.query
        if kept.rcode not in (codes.NOERROR, codes.NXDOMAIN):
            return None
        head = self._head(form, asked.view, asked.verdict, kept)
        if head is None:
            return None
        ident = query.id.to_bytes(2, "big")
        reply = form.tell(ident, query.question, head.octets, kept, now)
        return None if reply is None else (reply, head.late)

    def _head(self, form: Form, view: View, verdict: Verdict, kept: Entry) -> Head | None:
        """What the reply begins with that tells an entry; None where it takes a closer look."""
        if kept.errors or kept.unfinished:
            return None
        if kept.targets and not verdict.allowed:
            beyond = self._judge.check_answer(view, kept.targets)
            if beyond.outcome is BLOCKED:
                return None
            if verdict is PASS:
                verdict = beyond
        told = (
            *(verdict.outcome, verdict.service, kept.rcode, kept.counts),
            kept.flags & form.wants_ad,
        )
        head = form.heads.get(told)
        if head is None:
            counted = self._counted(view, verdict, kept.rcode, form.qtype)
            head = form.remember(told, kept, counted)
        return head

    def _counted(self, view: View, verdict: Verdict, rcode: int, qtype: int) -> Counted:
        tally = Tally(view.vlan, verdict.outcome, verdict.service, rcode, qtype, Path.CACHE)
        return Counted(tally, self._count(tally))
