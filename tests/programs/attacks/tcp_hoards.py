"""Clients that hold as many TCP connections as they can, and take what these cost the server."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import ADMINISTRATION, Stream, ask_stream
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.real_server import Darban, behind

_HOARDERS = [f"127.0.20.{n}" for n in range(1, 6)]
_NEIGHBOUR = "127.0.20.9"
_PROBES = 18


def _sticky(asked: Asked) -> Iterator[Say]:
    """Good names are answered, slow ones after a second, others never."""
    if asked.name.startswith(("good", "slow")):
        yield from honest(asked, after=1.0 if asked.name.startswith("slow") else 0.0)


def stuck() -> Seen:
    """Five addresses hold 1,250 connections, each with a query that is never answered."""
    answered = dict.fromkeys((ADMINISTRATION, _NEIGHBOUR), 0)
    with behind(_sticky) as (server, _), ExitStack() as stack:
        before = stack.enter_context(Stream(server.port, ADMINISTRATION))
        before.send(wire.question("slow.example"))
        for n in range(1250):
            stream = stack.enter_context(Stream(server.port, _HOARDERS[n % 5]))
            stream.send(wire.question(f"stuck{n}.z{n}.example"))
        for n in range(_PROBES):
            for client in answered:
                question = wire.question(f"good{n}.example")
                answered[client] += _is_true(ask_stream(server.port, question, client))
            time.sleep(0.02)
        kept = _is_true(before.receive())
        held = server.descriptors()
    text = f"of {_PROBES} answered: {answered[ADMINISTRATION]} in another VLAN, "
    text += f"{answered[_NEIGHBOUR]} in the same; a connection from before "
    text += f"{'kept' if kept else 'CLOSED'}; {held} descriptors"
    return Seen(kept and set(answered.values()) == {_PROBES} and held > 1000, text)


def _is_true(packet: bytes | None) -> bool:
    return packet is not None and wire.read(packet).addresses == [TRUE]


_LARGE = "large.example"
_MESSAGE = 61_651


def _large(asked: Asked) -> Iterator[Say]:
    """Every name has 60 KiB of texts; the upstream takes a second for those of a crowd."""
    data = (b"\xff" + b"x" * 255) * 16
    whole = wire.reply(asked.packet, [wire.record(wire.AT_QUESTION, wire.TXT, data)] * 15)
    if asked.stream:
        yield Say(whole, 1.0 if asked.name.startswith("crowd") else 0.0)
    else:
        yield Say(wire.reply(asked.packet, flags=wire.TC))


def _asking(server: Darban, client: str, names: list[str], buffer: int) -> socket.socket:
    """A connection that has asked, and whose own end takes so many octets unread."""
    made = socket.socket()
    made.settimeout(5)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    made.bind((client, 0))
    made.connect(("127.0.0.1", server.port))
    packets = [wire.question(name, wire.TXT) for name in names]
    made.sendall(b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets))
    return made


class _Memory:
    """How much the memory of the kernel, for all TCP connections, and of the worker has grown."""

    def __init__(self, server: Darban) -> None:
        self._server = server
        self._before = self._now()
        self.kernel = self.worker = 0.0
        """At most so far, in MiB."""

    def watch(self, seconds: float) -> float:
        """Watch for a while; what the kernel has now."""
        end = time.monotonic() + seconds
        while True:
            kernel, worker = (
                now - before for now, before in zip(self._now(), self._before, strict=True)
            )
            self.kernel, self.worker = max(self.kernel, kernel), max(self.worker, worker)
            if time.monotonic() >= end:
                return kernel
            time.sleep(0.05)

    def _now(self) -> tuple[float, float]:
        words = Path("/proc/net/sockstat").read_text(encoding="ascii").split()
        pages = int(words[words.index("mem", words.index("TCP:")) + 1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, self._server.memory()


def never_read() -> Seen:
    """1,400 connections ask for 3 MB each and read nothing; half of them say that this was all."""
    with behind(_large) as (server, _), ExitStack() as stack:
        assert ask_stream(server.port, wire.question(_LARGE, wire.TXT))
        memory = _Memory(server)
        for n in range(1400):
            made = _asking(server, f"127.0.20.{n % 6 + 1}", [_LARGE] * 50, 4096)
            stack.enter_context(made)
            if n % 2:
                made.shutdown(socket.SHUT_WR)
        left = memory.watch(8)
        open_ = server.descriptors()
    text = f"the kernel's memory {memory.kernel:+.0f} MiB, {left:+.0f} after 8 s with {open_} "
    text += f"descriptors; the worker's {memory.worker:+.0f} MiB"
    return Seen(memory.kernel < 192 and memory.worker < 64 and left < 32 and open_ < 50, text)


def answered_at_once() -> Seen:
    """200 connections wait for the same 100 large answers, which come at once, and read nothing."""
    names = [f"crowd{n}.z{n}.example" for n in range(100)]
    question = wire.question(_LARGE, wire.TXT)
    with behind(_large) as (server, _), ExitStack() as stack:
        assert ask_stream(server.port, question)
        memory = _Memory(server)
        for n in range(200):
            stack.enter_context(_asking(server, f"127.0.20.{n % 20 + 1}", names, 4096))
        memory.watch(3)
        served = ask_stream(server.port, question, ADMINISTRATION) is not None
    text = f"the worker's memory {memory.worker:+.0f} MiB, the kernel's {memory.kernel:+.0f}; "
    text += f"another VLAN {'served' if served else 'NOT served'}"
    return Seen(memory.worker < 96 and memory.kernel < 160 and served, text)


def slow_reader() -> Seen:
    """100 large answers in 4 s, for a client that has said that this was all: none is lost."""
    names = [_LARGE] * 100
    received, end = 0, "closed"
    with behind(_large) as (server, _), _asking(server, ADMINISTRATION, names, 32768) as asking:
        asking.shutdown(socket.SHUT_WR)
        try:
            while got := asking.recv(65536):
                received += len(got)
                time.sleep(len(got) / 1_600_000)
        except OSError as error:
            end = f"LOST ({error})"
    answers = received / (2 + _MESSAGE)
    return Seen(answers == 100 and end == "closed", f"{answers:.1f} answers, then {end}")


def large() -> Seen:
    """100 large answers, two at a time: full speed, in spite of the bounds."""
    question = wire.question(_LARGE, wire.TXT)
    with behind(_large) as (server, _), Stream(server.port) as stream:
        stream.send(question)
        assert stream.receive()
        began, received = time.monotonic(), 0
        for _ in range(50):
            stream.send(question, question)
            received += sum(stream.receive() is not None for _ in range(2))
        took = time.monotonic() - began
    return Seen(received == 100 and took < 1.0, f"{received} answers in {took:.2f} s")


ATTACKS = (
    Attack("tcp-stuck", "18 of 18 in another VLAN and in the same, none of theirs closed", stuck),
    Attack(
        "tcp-never-read", "the kernel's memory within 192 MiB, then freed", never_read, quick=False
    ),
    Attack(
        "tcp-answered-at-once", "the worker's memory within 96 MiB", answered_at_once, quick=False
    ),
    Attack("tcp-large", "100 answers within 1 s", large, quick=False),
    Attack("tcp-slow-reader", "100 answers, then closed", slow_reader, quick=False),
)
