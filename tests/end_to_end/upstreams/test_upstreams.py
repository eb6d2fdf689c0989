"""Upstreams that hang, are gone, are known by name only, or cannot say it all over UDP."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dnslib import RCODE, DNSRecord

from tests.live.clients import Answer, Asker, ask_tcp
from tests.live.clients import ask as ask_udp
from tests.live.commands import darban
from tests.live.configs import small
from tests.live.nsd import ANY_V4, BIG, nsd
from tests.live.ports import free_port
from tests.live.programs import find
from tests.live.reloading import restored
from tests.live.server import Server
from tests.live.waiting import wait_for

MakeSmall = Callable[..., Server]

NO_REACHABLE_AUTHORITY = 22
NETWORK_ERROR = 23
PUBLICITY = "127.0.20.5"


@contextmanager
def _silence() -> Iterator[str]:
    """A server that takes questions over UDP and TCP, and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.socket() as streams:
        streams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port = free_port()
        datagrams.bind(("127.0.0.1", port))
        streams.bind(("127.0.0.1", port))
        streams.listen()
        yield f"127.0.0.1:{port}"


@pytest.fixture
def silent() -> Iterator[str]:
    with _silence() as address:
        yield address


@pytest.fixture(scope="module")
def lasting_silent(make_lasting: Callable[[str], Server]) -> Iterator[tuple[Server, str]]:
    with _silence() as address:
        yield make_lasting(small([address])), address


@pytest.fixture
def hanging(lasting_silent: tuple[Server, str]) -> Iterator[tuple[Server, str]]:
    """A server that runs, and its upstream, which never answers."""
    server, address = lasting_silent
    with restored(server):
        yield server, address


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(small([upstream]))


@pytest.fixture
def ask() -> Callable[..., Answer]:
    """dig, or dnslib where dig is not installed, asking a server from publicity."""
    dig = find("dig")

    def by_dig(server: Server, name: str, *more: str) -> Answer:
        return Asker(dig, server.port)(PUBLICITY, name, *(more or ("A",)))

    return by_dig


Ask = Callable[..., Answer]


def _reason(answer: Answer) -> list[int]:
    return [code for code, _ in answer.errors]


@pytest.mark.core
def test_one_that_hangs(hanging: tuple[Server, str], ask: Ask) -> None:
    server, silent = hanging
    before = server.scrape()
    answer = ask(server, "agency.example")
    assert answer.status == "SERVFAIL"
    assert _reason(answer) == [NO_REACHABLE_AUTHORITY]
    scrape = server.scrape()
    asked = {"upstream": silent, "result": "timeout"}
    sent = "darban_upstream_queries_total"
    assert scrape.value(sent, **asked) >= before.value(sent, **asked) + 1
    failed = {"vlan": "publicity", "outcome": "failed", "service": ""}
    queries = "darban_queries_total"
    assert scrape.value(queries, **failed) == before.value(queries, **failed) + 1


def test_many_quick_questions_behind_stuck_ones_on_a_connection(
    hanging: tuple[Server, str],
) -> None:
    server, _ = hanging
    stuck = [DNSRecord.question(f"stuck{n}.example").pack() for n in range(100)]
    quick = [DNSRecord.question("localhost").pack() for _ in range(1500)]
    came = ask_tcp(server.port, [*stuck, *quick], PUBLICITY)
    lengths = 0
    while came:
        end = 2 + int.from_bytes(came[:2], "big")
        came, lengths = came[end:], lengths + 1
    assert lengths == 1600
    later = ask_udp(server.port, "later.example", client=PUBLICITY, seconds=5)
    assert later is not None
    assert later.header.rcode == RCODE.SERVFAIL


def test_it_ends_though_questions_are_on_their_way(hanging: tuple[Server, str]) -> None:
    server, _ = hanging
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for number in range(50):
            packet = number.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0\2ab\2cd\0\0\1\0\1"
            asking.sendto(packet, ("127.0.0.1", server.port))
    assert server.stop(5).code == 0


@pytest.mark.core
def test_one_that_is_not_there(make_small: MakeSmall, ask: Ask) -> None:
    answer = ask(make_small(f"127.0.0.1:{free_port()}").start(), "agency.example")
    assert answer.status == "SERVFAIL"
    ((code, text),) = answer.errors
    assert code == NETWORK_ERROR
    assert "refused by an ICMP error" in text


@pytest.mark.core
def test_the_second_answers_for_the_first(
    make_small: MakeSmall, ask: Ask, upstream: str, silent: str
) -> None:
    server = make_small(silent, upstream).start()
    for number in range(8):
        answer = ask(server, f"name-{number}.example")
        assert answer.data == [ANY_V4], answer.text
    scrape = server.scrape()
    assert scrape.value("darban_upstream_queries_total", upstream=upstream, result="answered") == 8
    assert scrape.value("darban_upstream_up", upstream=upstream) == 1


def test_one_that_was_gone_is_asked_when_it_is_back(
    make_small: MakeSmall, ask: Ask, nsd_program: Path, tmp_path: Path
) -> None:
    port = free_port()
    server = make_small(f"127.0.0.1:{port}").start()
    for number in range(4):
        assert ask(server, f"before-{number}.example").status == "SERVFAIL"
    place = tmp_path / "nsd"
    place.mkdir()
    with nsd(nsd_program, place, port):
        names = (f"after-{number}.example" for number in range(1000))
        wait_for(lambda: ask(server, next(names)).data == [ANY_V4], "it answers again")


def test_one_that_is_given_by_name(make_small: MakeSmall, ask: Ask, upstream: str) -> None:
    host = "ns.scene:" + upstream.partition(":")[2]
    server = make_small(host, upstream=f'bootstrap = ["{upstream}"]').start()
    names = (f"{number}.example" for number in range(1000))
    wait_for(lambda: ask(server, next(names)).data == [ANY_V4], "its name is resolved")
    assert server.scrape().value("darban_upstream_up", upstream=host) == 1
    asked = {"upstream": host, "result": "answered"}
    assert server.scrape().value("darban_upstream_queries_total", **asked) >= 1


def test_one_whose_name_cannot_be_resolved(make_small: MakeSmall, ask: Ask, upstream: str) -> None:
    bootstrap = f'bootstrap = ["{upstream}"]'
    server = make_small("nowhere.scene", upstream=bootstrap).start()
    wait_for(lambda: "nowhere.scene has no address now" in server.err, "it says so")
    answer = ask(server, "agency.example")
    assert answer.status == "SERVFAIL"
    assert _reason(answer) == [NETWORK_ERROR]
    assert server.scrape().value("darban_upstream_up", upstream="nowhere.scene:53") == 0
    status = darban("status", at=server.directory).out
    assert "upstream nowhere.scene:53 does not answer" in status


def test_a_reload_finds_the_address_that_a_name_has_now(
    make_small: MakeSmall, ask: Ask, upstream: str, nsd_program: Path, tmp_path: Path
) -> None:
    zone = (
        "$ORIGIN .\n$TTL 0\n@ SOA ns.scene. hostmaster.scene. 1 3600 600 86400 0\n@ NS ns.scene.\n"
    )
    port = free_port()
    host = "ns.scene:" + upstream.partition(":")[2]
    names = (f"{number}.example" for number in range(1000))
    with nsd(nsd_program, tmp_path, port, zone=f"{zone}ns.scene. A 127.0.0.9\n"):
        server = make_small(host, upstream=f'bootstrap = ["127.0.0.1:{port}"]').start()
        assert ask(server, next(names)).status == "SERVFAIL"
    with nsd(nsd_program, tmp_path, port, zone=f"{zone}ns.scene. A 127.0.0.1\n"):
        assert darban("reload", at=server.directory).code == 0
        wait_for(lambda: ask(server, next(names)).data == [ANY_V4], "the new address is asked")


def test_a_name_whose_address_fails_is_looked_up_at_once(
    make_small: MakeSmall, ask: Ask, upstream: str, nsd_program: Path, tmp_path: Path
) -> None:
    """Else it is looked up once a minute.

    The TTL is 0: c-ares keeps an answer for its TTL, and a reload within it finds the old address.
    """
    zone = (
        "$ORIGIN .\n$TTL 0\n@ SOA ns.scene. hostmaster.scene. 1 3600 600 86400 0\n@ NS ns.scene.\n"
    )
    port = free_port()
    host = "ns.scene:" + upstream.partition(":")[2]
    names = (f"{number}.example" for number in range(1000))
    with nsd(nsd_program, tmp_path, port, zone=f"{zone}ns.scene. A 127.0.0.1\n"):
        server = make_small(host, upstream=f'bootstrap = ["127.0.0.1:{port}"]').start()
        wait_for(lambda: ask(server, next(names)).data == [ANY_V4], "its name is resolved")
    with nsd(nsd_program, tmp_path, port, zone=f"{zone}ns.scene. A 127.0.0.9\n"):
        assert darban("reload", at=server.directory).code == 0
        wait_for(lambda: ask(server, next(names)).status == "SERVFAIL", "the old address fails")
    with nsd(nsd_program, tmp_path, port, zone=f"{zone}ns.scene. A 127.0.0.1\n"):
        wait_for(lambda: ask(server, next(names)).data == [ANY_V4], "the new address is asked", 30)


@pytest.mark.core
@pytest.mark.parametrize("over", ["+tcp", "+notcp"])
def test_an_answer_too_large_for_udp_is_fetched_over_tcp(
    server: Server, ask: Ask, over: str
) -> None:
    """Asked over UDP, dig is told that the answer is cut, and comes back over TCP."""
    answer = ask(server, "big.scene", "TXT", over)
    assert answer.status == "NOERROR"
    assert len(answer.data) == BIG
    assert {data[1:4] for data in answer.data} == {f"{n:03}" for n in range(BIG)}
    assert "(TCP)" in answer.text
