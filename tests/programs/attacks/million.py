"""A million distinct names through a cache of 64 MiB: its memory must stay flat.

The upstream is a process of its own, as cheap as can be; with the server and the asker
there are three for perhaps two cores, so this takes minutes.
"""

import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import PUBLICITY
from tests.programs.attacks.real_server import Darban, darban

_NAMES = 1_000_000
_LONGEST = 900.0
_IN_FLIGHT = 200
_FULL_AT = 0.3
"""The share of the names after which the cache is full and memory must grow no more."""
_GROWTH = 0.05
"""What the later half may be above the earlier one."""
_MOST = 96
"""MiB that the cache may take with all that belongs to it."""

_ANSWER = wire.record(wire.AT_QUESTION, wire.A, bytes((192, 0, 2, 1)), 86400)


def _serve(datagrams: socket.socket) -> None:
    """Answer every query: its own bytes up to the OPT, turned into a response."""
    while True:
        packet, peer = datagrams.recvfrom(4096)
        head = packet[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
        datagrams.sendto(head + packet[12:-11] + _ANSWER, peer)


@contextmanager
def _cheap_upstream() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        datagrams.bind(("127.0.0.1", 0))
        serving = multiprocessing.get_context("fork").Process(
            target=_serve, args=(datagrams,), daemon=True
        )
        serving.start()
        try:
            yield datagrams.getsockname()[1]
        finally:
            serving.kill()
            serving.join(5)


def _ask_all(server: Darban) -> tuple[int, int, list[tuple[int, float]]]:
    """Ask name after name; how many were asked and answered, and the memory meanwhile."""
    memory = []
    asked = answered = 0
    end = time.monotonic() + _LONGEST
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        asking.settimeout(0.5)
        asking.bind((PUBLICITY, 0))
        asking.connect(("127.0.0.1", server.port))
        in_flight = 0
        while asked < _NAMES and time.monotonic() < end:
            while in_flight < _IN_FLIGHT and asked < _NAMES:
                name = f"n{asked}.million{asked % 1000}.example"
                asking.send(wire.question(name, ident=asked & 0xFFFF))
                asked += 1
                in_flight += 1
                if asked % (_NAMES // 20) == 0:
                    memory.append((asked, server.memory()))
            try:
                answered += asking.recv(4096)[3] & 15 == wire.NOERROR
                in_flight -= 1
            except TimeoutError:
                in_flight = 0  # what is lost is lost
        while in_flight:
            try:
                answered += asking.recv(4096)[3] & 15 == wire.NOERROR
                in_flight -= 1
            except TimeoutError:
                break
    return asked, answered, memory


def million() -> Seen:
    with _cheap_upstream() as port, darban([f"127.0.0.1:{port}"], more=_CACHE) as server:
        began = time.monotonic()
        before = server.memory()
        asked, answered, memory = _ask_all(server)
        took = time.monotonic() - began
    full = [number for count, number in memory if count >= _NAMES * _FULL_AT]
    half = len(full) // 2
    growth = sum(full[-half:]) / sum(full[:half]) - 1
    text = f"{answered:,} of {asked:,} names answered in {took:.0f} s; memory {before:.0f} MiB "
    text += f"before, {full[0]:.0f} at {_FULL_AT:.0%}, {max(full):.0f} at most, "
    text += f"{full[-1]:.0f} at the end ({growth:+.1%})"
    good = (
        max(full) < before + _MOST
        and asked == _NAMES
        and answered >= 0.999 * asked
        and growth <= _GROWTH
    )
    return Seen(good, text)


_CACHE = """
[cache]
max_bytes = "64MiB"
[limits]
queries_per_address = 1_000_000
queries_per_prefix = 1_000_000
"""

ATTACKS = (Attack("million", "memory flat once the cache is full", million, quick=False),)
