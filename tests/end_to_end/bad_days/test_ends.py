"""A server that is told to end: what is under way is answered, and nothing of it is left."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from dnslib import RR, DNSRecord

from tests.live.clients import ask
from tests.live.server import Server, group, without_heads
from tests.live.waiting import wait_for

MakeSmall = Callable[..., Server]
Forwarded = tuple[bytes, tuple[str, int]]


@contextmanager
def _being_asked(server: Server) -> Iterator[list[bool]]:
    """Somebody who asks all the time, for whether each answer came."""
    done = threading.Event()
    answered: list[bool] = []

    def go_on() -> None:
        while not done.is_set():
            answered.append(ask(server.port, "agency.example", seconds=0.2) is not None)

    asking = threading.Thread(target=go_on)
    asking.start()
    try:
        yield answered
    finally:
        done.set()
        asking.join()


def _answers_at_once(server: Server) -> bool:
    blocked = ask(server.port, "web.telegram.org", client="127.0.10.5", seconds=0.1)
    return blocked is not None


def _ask(client: socket.socket, server: Server, upstream: socket.socket, name: str) -> Forwarded:
    """Ask for a name; the query that the upstream gets, and from where."""
    client.sendto(DNSRecord.question(name).pack(), ("127.0.0.1", server.port))
    while True:  # others may be asked again
        packet, asker = upstream.recvfrom(1000)
        if DNSRecord.parse(packet).q.qname == name:
            return packet, asker


def test_what_is_under_way_when_it_ends_is_answered(make_small: MakeSmall) -> None:
    """And a query that the upstream never answers does not keep it from ending."""
    udp = socket.SOCK_DGRAM
    with (
        socket.socket(type=udp) as upstream,
        socket.socket(type=udp) as client,
        socket.socket(type=udp) as other,
    ):
        for item in (upstream, client, other):
            item.bind(("127.0.0.1", 0))
            item.settimeout(10)
        server = make_small(f"127.0.0.1:{upstream.getsockname()[1]}").start()
        _ask(other, server, upstream, "never.example")
        forwarded, asker = _ask(client, server, upstream, "slow.example")
        server.signal(signal.SIGTERM)
        wait_for(lambda: not _answers_at_once(server), "it takes nothing new")
        answer = DNSRecord.parse(forwarded).reply()
        answer.add_answer(*RR.fromZone("slow.example 60 A 192.0.2.7"))
        upstream.sendto(answer.pack(), asker)
        assert str(DNSRecord.parse(client.recv(1000)).short()) == "192.0.2.7"
        assert server.ended(5).code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_to(server: Server, number: signal.Signals) -> None:
    """Though somebody asks all the while, and somebody else holds a connection."""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=5),
        _being_asked(server) as answered,
    ):
        wait_for(lambda: any(answered), "it is asked")
        log = server.err
        server.signal(number)
        ended = server.ended(5)
    assert ended.code == 0
    assert without_heads(ended.err[len(log) :]) == "", "an end that is wanted is nothing to log"
    assert not group(server.pid)
    assert not (server.state / "control.sock").exists()


def test_it_ends_when_its_whole_group_is_told_to(server: Server) -> None:
    """As systemd does it, and Ctrl-C in a terminal."""
    log = server.err
    os.killpg(server.pid, signal.SIGTERM)
    ended = server.ended(5)
    assert ended.code == 0
    assert without_heads(ended.err[len(log) :]) == ""
    assert not group(server.pid)


def test_it_ends_though_a_worker_stands_still(server: Server) -> None:
    os.kill(server.workers()[0], signal.SIGSTOP)
    assert server.stop(5).code == 0
    wait_for(lambda: not group(server.pid), "the stopped worker has ended")
