"""Forged replies: sweeps of IDs at the right port, and every kind of reply that must not count.

The forger is given what an attacker has to guess: the scripted upstream sees each query's
port and sends its forgeries from its own address and port. It is not given the ID, but is
let to have it among the first 2,000 that it tries, at any place but the first.
"""

import random
import socket
from collections.abc import Callable, Iterator

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import Shot, ask, volley
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.real_server import behind

FALSE = "6.6.6.6"
_SWEEP = 2000
_TIMES = 10
_RANDOM = random.Random(5452)


def forged(asked: Asked, ident: int | None = None) -> bytes:
    """A reply that gives the forger's address."""
    answer = [wire.address(wire.AT_QUESTION, FALSE, 86400)]
    return wire.reply(asked.packet, answer, ident=ident)


def _sweep(asked: Asked) -> Iterator[Say]:
    """2,000 forgeries with IDs in a row, the right one among them, and then the truth."""
    if not asked.stream:
        first = asked.ident - _RANDOM.randrange(1, _SWEEP)
        for ident in range(first, first + _SWEEP):
            yield Say(forged(asked, ident & 0xFFFF))
    yield from honest(asked, after=0.1)


def _sweep_first(asked: Asked, swept: set[str]) -> Iterator[Say]:
    """A sweep at the port of a name's first query alone; later ports are not found."""
    if asked.name in swept:
        yield from honest(asked)
    else:
        swept.add(asked.name)
        yield from _sweep(asked)


def _poison(script: Callable[[Asked], Iterator[Say]], *, tcp: bool, must_answer: bool) -> Seen:
    with behind(script, tcp=tcp) as (server, _):
        names = [f"www{n}.bank.example" for n in range(_TIMES)]
        replies = [ask(server.port, wire.question(name), seconds=4) for name in names * 2]
    told = [reply.addresses if reply else [] for reply in replies]
    poisoned = sum(FALSE in addresses for addresses in told[:_TIMES])
    cached = sum(FALSE in addresses for addresses in told[_TIMES:])
    answered = sum(TRUE in addresses for addresses in told[:_TIMES])
    good = not poisoned and not cached and (answered == _TIMES or not must_answer)
    return Seen(good, f"{poisoned} of {_TIMES} poisoned, {answered} answered, {cached} cached")


def sweep_with_tcp() -> Seen:
    return _poison(_sweep, tcp=True, must_answer=True)


def sweep_without_tcp() -> Seen:
    return _poison(_sweep, tcp=False, must_answer=False)


def sweep_once_without_tcp() -> Seen:
    swept: set[str] = set()
    return _poison(lambda asked: _sweep_first(asked, swept), tcp=False, must_answer=True)


def _flip(asked: Asked, at: int, bits: int) -> bytes:
    packet = bytearray(forged(asked))
    packet[at] ^= bits
    return bytes(packet)


def _with_count(asked: Asked, questions: int) -> bytes:
    """A forgery with no question, or with its question twice."""
    packet = forged(asked)
    end = wire.question_end(packet)
    count = questions.to_bytes(2, "big")
    return packet[:4] + count + packet[6:12] + packet[12:end] * questions + packet[end:]


def _end(asked: Asked) -> int:
    return wire.question_end(asked.packet)


_KINDS: dict[str, Callable[[Asked], bytes]] = {
    "address": forged,
    "port": forged,
    "ID": lambda asked: _flip(asked, 1, 1),
    "QR": lambda asked: _flip(asked, 2, 0x80),
    "opcode": lambda asked: _flip(asked, 2, 0x10),
    "no question": lambda asked: _with_count(asked, 0),
    "two questions": lambda asked: _with_count(asked, 2),
    "name": lambda asked: _flip(asked, 13, 1),
    "type": lambda asked: _flip(asked, _end(asked) - 3, 1),
    "class": lambda asked: _flip(asked, _end(asked) - 1, 2),
}


def _mismatching(
    asked: Asked, elsewhere: dict[str, socket.socket], seen: set[str]
) -> Iterator[Say]:
    kind = list(_KINDS)[int(asked.name.split(".")[1])]
    if not asked.stream and asked.name not in seen:
        seen.add(asked.name)
        packet = _KINDS[kind](asked)
        if kind in elsewhere:
            elsewhere[kind].sendto(packet, asked.peer)
        else:
            yield Say(packet)
    yield from honest(asked, after=0.05)


def mismatches() -> Seen:
    seen: set[str] = set()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other_address,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other_port,
        behind(honest) as (server, upstream),
    ):
        other_address.bind(("127.0.0.9", upstream.port))
        other_port.bind(("127.0.0.1", 0))
        elsewhere = {"address": other_address, "port": other_port}
        upstream.script = lambda asked: _mismatching(asked, elsewhere, seen)
        names = [f"m.{place}.example" for place in range(len(_KINDS))]
        fresh = [ask(server.port, wire.question(name)) for name in names]
        cached = [ask(server.port, wire.question(name)) for name in names]
    accepted = [k for k, r in zip(_KINDS, fresh, strict=True) if r and FALSE in r.addresses]
    kept = [k for k, r in zip(_KINDS, cached, strict=True) if r and FALSE in r.addresses]
    answered = sum(bool(r and r.addresses == [TRUE]) for r in fresh)
    text = f"{len(accepted)} of {len(_KINDS)} kinds accepted, {len(kept)} cached"
    text += f", {answered} of {len(_KINDS)} questions answered"
    if accepted or kept:
        text += f" ({', '.join({*accepted, *kept})})"
    return Seen(not accepted and not kept and answered == len(_KINDS), text)


_LEVERED = 1000


def lever() -> Seen:
    """A forged packet at the first port of each of 1,000 questions, 4,000 a second."""
    found: set[str] = set()

    def script(asked: Asked) -> Iterator[Say]:
        if not asked.stream and asked.name not in found:
            found.add(asked.name)
            yield Say(forged(asked, asked.ident ^ 1))
        yield from honest(asked, after=0.2)

    with behind(script) as (server, upstream):
        # A zone each, so that no share of one zone is what bounds it.
        shots = [Shot(n / 4000, wire.question(f"www.l{n}.example{n}")) for n in range(_LEVERED)]
        replies = volley(server.port, shots, 4)
        heard = [wire.read(reply.packet) for reply in replies if reply]
        answered = sum(packet.addresses == [TRUE] for packet in heard)
        connections = upstream.connections
    text = f"{answered} of {_LEVERED} answered over {connections} TCP connections"
    return Seen(connections <= 16 and answered >= 0.99 * _LEVERED, text)


ATTACKS = (
    Attack("forged-tcp", "0 of 10 poisoned, 10 answered", sweep_with_tcp),
    Attack("forged-no-tcp", "0 of 10 poisoned", sweep_without_tcp, quick=False),
    Attack("forged-once-no-tcp", "0 of 10 poisoned, 10 answered", sweep_once_without_tcp),
    Attack("mismatch", "0 of 10 kinds accepted, 0 cached", mismatches),
    Attack("lever", "99 of 100 answered, at most 16 TCP connections", lever),
)
