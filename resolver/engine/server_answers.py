"""Answers that this server makes itself: about itself, and the minimal one to ANY."""

from typing import Final

from resolver.dns import codes, names, render
from resolver.dns.query import Query
from resolver.dns.render import Sections
from resolver.dns.scanned_record import answer_rrsets
from resolver.engine.chain import response_of
from resolver.exchange.entry import CacheEntry
from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Settings
from resolver.policy.view import View

_CHAOS: Final = codes.CH.to_bytes(2, "big")
_IDENTITY: Final = frozenset(map(names.parse, ("id.server", "hostname.bind")))
_LONGEST: Final = 255


def about_server(query: Query, settings: Settings) -> Sections | None:
    """The TXT record of class CH that a query asks for; None if there is none."""
    if query.profile.qtype != codes.TXT or query.question[-2:] != _CHAOS:
        return None
    if query.name not in _IDENTITY or not settings.identity:
        return None
    return _text([settings.identity], codes.CH)


def whoami(compiled: CompiledConfig, view: View) -> Sections:
    """The TXT record for ``special_use.WHOAMI``: VLAN, policy, mode and node of a client."""
    vlan, policy = compiled.vlans[view.vlan].name, view.effect.policy
    texts = [f"vlan={vlan}", f"policy={policy.name}", f"mode={policy.mode}"]
    if compiled.settings.identity:
        texts.append(f"node={compiled.settings.identity}")
    return _text(texts, codes.IN)


def _text(texts: list[str], rclass: int) -> Sections:
    """A TXT record with TTL 0; a string of one holds no more than 255 octets."""
    cut = [text.encode()[:_LONGEST] for text in texts]
    octets = b"".join([bytes((len(string),)) + string for string in cut])
    return Sections(render.record(render.QNAME_POINTER, codes.TXT, 0, octets, rclass), 1)


_HINFO: Final = Sections(
    render.record(render.QNAME_POINTER, codes.HINFO, 3600, b"\x07RFC8482\x00"), 1
)


def minimal_any(question: bytes, entry: CacheEntry, most: int, now: float) -> Sections | None:
    """The CNAME of the name if it has one, else HINFO; None if the entry has an error for the name.

    The TTL of the CNAME is at most ``most`` seconds. The end of a chain says nothing of the name.
    """
    response = response_of(question[:-4] + codes.A.to_bytes(2, "big") + question[-2:], entry, now)
    name = response.name
    for rrset in answer_rrsets(response):
        if rrset.rtype == codes.CNAME and rrset.owner == name:
            ttl = min(rrset.ttl, most)
            return Sections(render.record(render.QNAME_POINTER, codes.CNAME, ttl, rrset.target), 1)
    return None if entry.rcode != codes.NOERROR else _HINFO
