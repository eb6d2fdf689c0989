"""The metrics of a real server: bounded, in both formats, drops included, slow visitors borne."""

import itertools
import os
import random
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from dnslib import DNSRecord
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from resolver.dns.codes import TYPES
from tests.live.clients import ask
from tests.live.scraping import Scrape
from tests.live.server import Server
from tests.live.waiting import wait_for

MakeSmall = Callable[..., Server]

HOSTILE = 3000
SEED = 953525
CLIENTS = ("127.0.10.5", "127.0.20.5", "127.0.99.5")
_AT_ONCE = 100


def _hostile(chance: random.Random) -> Iterator[bytes]:
    """Queries for names that nobody has asked for, of every type, and some classes and opcodes."""
    while True:
        label = chance.randbytes(12).hex()
        name = chance.choice([f"{label}.web.telegram.org", f"{label}.example", f"{label}.test"])
        packet = bytearray(DNSRecord.question(name).pack())
        known = chance.random() < 0.5
        qtype = chance.choice(sorted(TYPES)) if known else chance.randrange(1 << 16)
        packet[-4:-2] = qtype.to_bytes(2, "big")
        if chance.random() < 0.1:
            packet[-2:] = chance.randrange(1 << 16).to_bytes(2, "big")
        if chance.random() < 0.1:
            packet[2] = chance.randrange(256) & 0x7F
        yield bytes(packet)


def _send(server: Server, packets: Iterator[bytes], count: int) -> None:
    """Send so many, some at a time, from a client of each VLAN and of none."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in CLIENTS]
        for asking, client in zip(sockets, CLIENTS, strict=True):
            asking.bind((client, 0))
            asking.connect(("127.0.0.1", server.port))
        for number in range(count):
            sockets[number % len(sockets)].send(next(packets))
            if number % _AT_ONCE == _AT_ONCE - 1:
                assert ask(server.port, "web.telegram.org", client=CLIENTS[0], seconds=10)


def _series(scrape: Scrape) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    return set(scrape.values)


def _is_probed(server: Server) -> bool:
    return any(name == "darban_upstream_validates" for name, _ in _series(server.scrape()))


@pytest.mark.core
def test_hostile_names_add_no_series(
    make_shipped: Callable[[], Server], figure: Callable[[str], None]
) -> None:
    server = make_shipped()
    text = server.config.read_text(encoding="utf-8") + "[limits]\nqueries_per_address = 100_000\n"
    server.config.write_text(text, encoding="utf-8")
    server.start()
    wait_for(lambda: _is_probed(server), "the upstream is known to validate or not")
    packets = _hostile(random.Random(SEED))
    _send(server, packets, HOSTILE // 5)
    before = server.scrape()
    _send(server, packets, HOSTILE)
    after = server.scrape()
    asked = after.total("darban_queries_total") - before.total("darban_queries_total")
    assert asked > HOSTILE / 2, "the hostile queries were counted"
    assert _series(after) == _series(before)
    assert not any("example" in value for _, labels in after.values for _, value in labels)
    figure(f"metrics: {HOSTILE:,} hostile queries, {len(after.values):,} series before and after")


@pytest.mark.core
def test_openmetrics_for_those_who_ask_for_it(quiet: Server) -> None:
    quiet.scrape()
    url = f"http://127.0.0.1:{quiet.metrics_port}/metrics"
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=accept), timeout=5) as answer:
        kind, text = answer.headers["Content-Type"], answer.read().decode()
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")
    names = {family.name for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    assert {"darban_queries", "darban_query_duration_seconds", "darban_socket_drops"} <= names
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")


def _dropped(port: int) -> int:
    """What the kernel says itself."""
    lines = (line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:])
    return sum(int(fields[-1]) for fields in lines if fields[1].endswith(f":{port:04X}"))


def test_what_the_kernel_drops_is_counted(make_small: MakeSmall) -> None:
    server = make_small().start()
    assert server.scrape().value("darban_socket_drops_total") == 0
    [stopped] = server.workers()
    server.expect_error("no heartbeat")
    os.kill(stopped, signal.SIGSTOP)
    query = DNSRecord.question("agency.example").pack()
    with socket.socket(type=socket.SOCK_DGRAM) as flood:
        flood.connect(("127.0.0.1", server.port))
        for _ in itertools.takewhile(lambda _: not _dropped(server.port), range(10_000)):
            for _ in range(100):
                flood.send(query)
    wait_for(lambda: ask(server.port, "agency.example"), "a successor answers")
    told = server.scrape().value("darban_socket_drops_total")
    assert told == _dropped(server.port) > 0


@pytest.mark.core
def test_memory_of_both_kinds_of_process(quiet: Server) -> None:
    scrape = quiet.scrape()
    for process in ("supervisor", "workers"):
        assert 5e6 < scrape.value("darban_resident_memory_bytes", process=process) < 5e8


@pytest.mark.parametrize("path", ["", "metrics", "status_page.js", "healthz"])
def test_a_website_can_read_nothing_by_a_name_of_its_own(quiet: Server, path: str) -> None:
    quiet.scrape()
    port = quiet.metrics_port
    url = f"http://127.0.0.1:{port}/{path}"
    for host in ("localhost", f"localhost:{port}", "127.0.0.1", f"192.0.2.1:{port}", "[fd00::5]"):
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host})) as answer:
            assert answer.status == 200
    rebound = urllib.request.Request(url, headers={"Host": "rebound.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(rebound, timeout=5)
    assert refused.value.code == 421
    assert refused.value.read().decode().startswith("Nothing is served here under that name.")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as probe:
        probe.sendall(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
        assert probe.recv(12) == b"HTTP/1.0 200"
