"""The national filter between this server and a resolver abroad: what is given, counted and shown.

The resolver is a scripted one. The names below ``raced`` are answered by an injector 80 ms before
it, those below ``streamed`` over TCP, those below ``lied`` by the resolver itself, and those below
``cached`` by two caches with different addresses. A resolver over TLS answers them all honestly.
"""

import itertools
import shutil
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from tests.live.certificates import CertificateAuthority
from tests.live.clients import ask
from tests.live.configs import BLOCKLISTS
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.waiting import wait_for
from tests.programs.attacks import wire
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest, upstream
from tests.programs.attacks.real_server import Darban, darban

FILTERED, OTHER_CACHE = "10.10.34.35", "192.0.2.2"
PUBLICITY, PERMITTED = "127.0.20.5", "127.0.22.5"
NAME = "dns.abroad.example"
_TC = 0x200
_RACE = 0.08
_PERMITTED = """
[upstreams.open]
servers = ["tls://{name}@127.0.0.1:{port}"]
ca_file = "{authority}"
[policies.permitted]
upstream = "open"
[vlans.permitted]
prefixes = ["127.0.22.0/24"]
policy = "permitted"
"""


def _path_abroad(asked: Asked) -> list[Say]:
    """What comes back of a question, on the way to the resolver and from it."""
    forged = Say(wire.reply(asked.packet, [wire.address(wire.AT_QUESTION, FILTERED, 86400)]))
    match asked.name.split(".")[-2]:
        case "raced" if not asked.stream:
            return [forged, *honest(asked, after=_RACE)]
        case "streamed":
            return [forged if asked.stream else Say(wire.reply(asked.packet, flags=_TC))]
        case "lied":
            return [forged]
        case "cached":
            other = wire.reply(asked.packet, [wire.address(wire.AT_QUESTION, OTHER_CACHE)])
            return [*honest(asked), Say(other, 0.01)]
    return honest(asked)


@dataclass
class Lab:
    """Darban behind the filter."""

    server: Darban
    resolver: str
    """The resolver abroad, as the config names it."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def ask(self, kind: str, client: str = PUBLICITY) -> str:
        """The address that a client gets for a new name."""
        name = f"n{next(self._numbers)}.{kind}.example"
        reply = ask(self.server.port, name, client=client, seconds=5)
        assert reply is not None
        return str(reply.short())

    def counted(self) -> dict[str, float]:
        """What is counted of the resolver abroad: results, and two answers that differ."""
        scrape, of = self.server.scrape(), {"upstream": self.resolver}
        results = ("answered", "national_filter")
        return {
            **{
                result: scrape.value("darban_upstream_queries_total", result=result, **of)
                for result in results
            },
            **{
                f"twice {kind}": scrape.value(
                    "darban_upstream_differing_answers_total", kind=kind, **of
                )
                for kind in ("national_filter", "other")
            },
            "times": scrape.value("darban_upstream_duration_seconds_count", **of),
        }

    def more(self, before: dict[str, float]) -> dict[str, float]:
        """What is counted since then."""
        now = self.counted()
        return {key: now[key] - before[key] for key in now if now[key] != before[key]}

    def row(self) -> str:
        """The row of the resolver abroad in ``darban status``, whose table may have two parts."""
        lines = self.server.command("status").out.splitlines()
        return " ".join(line for line in lines if line.startswith(f"{self.resolver} "))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    place = tmp_path_factory.mktemp("filter")
    authority = CertificateAuthority.make(needed("openssl"), place / "ca")
    issued = authority.issue("abroad", f"DNS:{NAME}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.file, issued.key)
    lists = place / "lists"
    lists.mkdir()
    shutil.copy(BLOCKLISTS / "national.filter", lists)
    port = free_port()
    more = _PERMITTED.format(name=NAME, port=port, authority=authority.file)
    with ExitStack() as stack:
        resolver = stack.enter_context(upstream(_path_abroad))
        stack.enter_context(upstream(honest, tls=context, tls_port=port))
        server = stack.enter_context(darban([resolver.where], more=more, lists=[lists]))
        yield Lab(server, resolver.where)


def test_honest_names_are_no_answers_of_the_filter(lab: Lab) -> None:
    before = lab.counted()
    assert {lab.ask("honest") for _ in range(300)} == {TRUE}
    wait_for(lambda: lab.more(before).get("answered") == 300, "all are counted")
    assert lab.more(before) == {"answered": 300, "times": 300}


def test_two_caches_with_different_addresses_differ_and_are_no_filter(lab: Lab) -> None:
    before = lab.counted()

    def is_seen() -> bool:
        assert lab.ask("cached") == TRUE
        return "twice other" in lab.more(before)

    wait_for(is_seen, "two answers are seen")
    assert {key for key in lab.more(before) if "filter" in key} == set()
    assert "up" in lab.row()


def test_an_injector_that_races_is_seen_by_its_answer_and_by_that_of_the_server(lab: Lab) -> None:
    before = lab.counted()

    def is_seen() -> bool:
        assert lab.ask("raced") == FILTERED
        return "twice national_filter" in lab.more(before)

    wait_for(is_seen, "both answers are seen")
    assert {"answered", "times", "twice other"}.isdisjoint(lab.more(before))
    assert " twice" in lab.row()


@pytest.mark.parametrize("kind", ["streamed", "lied"])
def test_an_answer_over_tcp_and_that_of_a_lying_resolver_are_seen(lab: Lab, kind: str) -> None:
    before = lab.counted()
    assert lab.ask(kind) == FILTERED
    wait_for(lambda: "national_filter" in lab.more(before), "it is counted")
    assert lab.more(before) == {"national_filter": 1}


def test_a_policy_with_a_group_over_tls_gets_what_the_resolver_says(lab: Lab) -> None:
    before = lab.counted()
    for kind in ("raced", "streamed", "lied"):
        assert lab.ask(kind, PERMITTED) == TRUE
        assert lab.ask(kind, PUBLICITY) == FILTERED
    asked_now = {
        vlan: lab.server.command("explain", vlan, "www.raced.example", "--live").out
        for vlan in ("permitted", "publicity")
    }
    assert asked_now["permitted"].startswith("www.raced.example A: passed\n")
    assert asked_now["publicity"].startswith("www.raced.example A: national_filter\n")
    assert f"A {TRUE}" in asked_now["permitted"]
    assert f"[upstreams.open]: tls://{NAME}@" in asked_now["permitted"]
    assert f"A {FILTERED}, TTL 60, EDE 4 answer of the national filter" in asked_now["publicity"]
    wait_for(lambda: lab.more(before).get("national_filter") == 3, "the others are counted")
