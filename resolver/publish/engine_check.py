"""Ask a running engine for names of the policy, and find what it answers otherwise.

The questions are a sample of the rules of all VLANs, blocking and passing ones, at even distances:
the name of the rule, or a name below it. So a client also asks for what is blocked for others
only. A blocked name is asked for with each type and flags. Of a name that passes only the addresses
are judged: they must not be those of a sinkhole. An alias that passes may lead to a blocked name.
"""

import itertools
import secrets
import socket
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple

from resolver.dns import codes, names, render
from resolver.dns.records import answer_records
from resolver.dns.response import Response, scan
from resolver.errors import DarbanError
from resolver.exchange.upstream_query import answers
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.prefixes import packed
from resolver.policy.view import View, Views
from resolver.publish.client_views import views_by_prefix
from resolver.publish.policy_zones import (
    NXDOMAIN,
    PASSTHRU,
    Action,
    RuleSource,
    ZoneRule,
)
from resolver.settings import Endpoint

_RULES = 40
"""How many blocking rules of a policy are asked for, and how many passing ones."""
_PATIENCE = 5.0
"""Seconds to wait for an answer."""
_MAX_SILENT = 3
_TYPES = (codes.A, codes.AAAA, codes.HTTPS, codes.TXT)
_BELOW = b"\x0cdarban-check"


class SampleQuery(NamedTuple):
    """A question with its flags, and the action that the policy has for it."""

    name: bytes
    type: int
    do: bool
    rd: bool
    action: Action

    def packet(self, ident: int) -> bytes:
        """The query."""
        head = render.query_head(codes.RD if self.rd else 0, True)
        return ident.to_bytes(2, "big") + head + self.question + render.query_opt(self.do)

    @property
    def question(self) -> bytes:
        """The question section."""
        return render.question(self.name, self.type)

    @property
    def expected(self) -> str:
        """What a client must receive."""
        if self.action == PASSTHRU:
            return "an answer that is not the sinkhole's"
        return _shown(*_blocked(self))

    def __str__(self) -> str:
        flags = f"DO={self.do:d} RD={self.rd:d}"
        return f"{names.text(self.name)} {codes.type_text(self.type)} {flags}"


class Silent(DarbanError):
    """The engine does not answer."""

    code = 3


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What an engine has answered to one client."""

    vlan: str
    asked: int
    differences: tuple[str, ...]
    """What the engine has not answered as the policy says, a line for each query."""


class EngineCheck:
    """Asks an engine for the names of a snapshot."""

    def __init__(self, compiled: CompiledConfig, index: Index, wall: float) -> None:
        self._compiled = compiled
        self._views = Views(compiled, wall)
        self._rules = RuleSource(compiled, index)
        found = (view for view in views_by_prefix(compiled, wall).values() if view)
        views = {(view.effect.policy.name, view.effect.exempt): view for view in found}
        owners = (_spread([*self._rules.all_rules(view)]) for view in views.values())
        self._names = list(dict.fromkeys(itertools.chain.from_iterable(owners)))
        self._sinkholes = compiled.sinkholes()

    def ask(self, server: Endpoint, client: str, *, without_rd: bool) -> CheckResult:
        """Ask as a client, from an address of this host; ``without_rd``: also without RD.

        Raises:
            DarbanError: the address is in no VLAN or not this host's, or the engine is silent.
        """
        view = self._views.of(packed(client))
        if view is None:
            raise DarbanError(f"{client} is in no VLAN; expected a client of a VLAN of this host")
        queries = [query for name in self._names for query in self._queries(view, name, without_rd)]
        found: list[str] = []
        silent = 0
        try:
            with _socket(server) as asking:
                asking.bind((client, 0))
                asking.connect((server.address, server.port))
                for query in queries:
                    response = _ask(asking, query)
                    silent = silent + 1 if response is None else 0
                    if silent > _MAX_SILENT:
                        raise Silent(f"{server} gives {client} no answer")
                    if not _fits(query, response, self._sinkholes):
                        found.append(_difference(query, response))
        except OSError as error:
            raise DarbanError(f"{server} cannot be asked as {client}: {error.strerror}") from None
        return CheckResult(self._compiled.vlans[view.vlan].name, len(queries), tuple(found))

    def _queries(self, view: View, name: bytes, without_rd: bool) -> Iterator[SampleQuery]:
        action, _ = self._rules.action(view, name)
        if action == PASSTHRU:
            for qtype in (codes.A, codes.AAAA):
                yield SampleQuery(name, qtype, do=False, rd=True, action=action)
            return
        flags = itertools.product((True, False) if without_rd else (True,), (False, True))
        for (rd, do), qtype in itertools.product(flags, _TYPES):
            yield SampleQuery(name, qtype, do, rd, action)


def own_address(server: Endpoint) -> str:
    """The address of this host from which it reaches the engine.

    Raises:
        DarbanError: it does not reach it.
    """
    try:
        with _socket(server) as asking:
            asking.connect((server.address, server.port))
            return str(asking.getsockname()[0])
    except OSError as error:
        raise DarbanError(f"{server} cannot be asked: {error.strerror}") from None


def _socket(server: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    asking = socket.socket(family, socket.SOCK_DGRAM)
    asking.settimeout(_PATIENCE)
    return asking


def _spread(rules: Sequence[ZoneRule]) -> Iterator[bytes]:
    """The names to ask for: of some blocking rules, and of some passing ones."""
    for passing in (False, True):
        asked = [_asked(rule) for rule in rules if (rule.action == PASSTHRU) is passing]
        asked = [name for name in asked if len(name) <= names.MAX_NAME]
        yield from asked[:: max(1, -(-len(asked) // _RULES))]


def _asked(rule: ZoneRule) -> bytes:
    owner = rule.owner
    return _BELOW + owner[len(names.WILDCARD) :] if owner.startswith(names.WILDCARD) else owner


def _ask(asking: socket.socket, query: SampleQuery) -> Response | None:
    ident = secrets.randbelow(1 << 16)
    asking.send(query.packet(ident))
    try:
        while not answers(packet := asking.recv(65535), ident, query.question):
            continue
    except OSError:
        return None
    return scan(packet)


def _fits(query: SampleQuery, response: Response | None, sinkholes: Set[bytes]) -> bool:
    if response is None:
        return False
    found = _addresses(response)
    if query.action == PASSTHRU:
        is_alias = any(rtype == codes.CNAME for rtype, _ in _answer(response))
        return is_alias or sinkholes.isdisjoint(found)
    return (response.rcode, found) == _blocked(query)


def _blocked(query: SampleQuery) -> tuple[int, list[bytes]]:
    """The rcode and the addresses of a blocked reply."""
    size = {codes.A: 4, codes.AAAA: 16}.get(query.type)
    rcode = codes.NXDOMAIN if query.action == NXDOMAIN else codes.NOERROR
    return rcode, [address for address in query.action.addresses if len(address) == size]


def _answer(response: Response) -> Iterator[tuple[int, bytes]]:
    """The types and the data of the answer."""
    for each in answer_records(response):
        yield each.rtype, response.packet[each.rdata_at : each.end]


def _addresses(response: Response) -> list[bytes]:
    """What a client goes to: the data of the answer, without aliases and signatures."""
    return [data for rtype, data in _answer(response) if rtype not in (codes.CNAME, codes.RRSIG)]


def _difference(query: SampleQuery, response: Response | None) -> str:
    found = f"no answer in {_PATIENCE:.0f} s"
    if response is not None:
        found = _shown(response.rcode, _addresses(response))
    return f"{query}: found {found}; expected {query.expected}"


def _shown(rcode: int, data: Sequence[bytes]) -> str:
    texts = [str(ip_address(each)) if len(each) in (4, 16) else each.hex() for each in data]
    return " ".join([codes.rcode_text(rcode), *texts])
