"""Upstreams that do not answer, are slow, or are not there; floods of names that they stick on."""

import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import Heard, Shot, ask, volley
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest, upstream
from tests.programs.attacks.real_server import Darban, behind, darban

_STUCK = 3000
_FRESH = 30
_SLOWEST = 0.05
_SLACK = 0.15
"""Allowed besides, for the machine that the tests share."""


def _sticky(asked: Asked) -> Iterator[Say]:
    """Names that begin with ``good`` are answered, others never."""
    if asked.name.startswith("good"):
        yield from honest(asked)


def _good(replies: list[Heard | None]) -> tuple[int, float]:
    """How many were answered, and the slowest's milliseconds."""
    heard = [reply for reply in replies if reply and wire.read(reply.packet).addresses == [TRUE]]
    return len(heard), max((item.took for item in heard), default=0.0) * 1000


_CROWD = "[limits]\nqueries_per_address = 10_000\n"
"""One address stands for a crowd."""


def stuck_names() -> Seen:
    """3,000 names in 2 s that the upstream never answers, in zones of their own."""
    with behind(_sticky, more=_CROWD) as (server, _):
        stuck = [
            Shot(n * 2 / _STUCK, wire.question(f"s{n}.stuck{n}.example{n}")) for n in range(_STUCK)
        ]
        fresh = [Shot(0.5 + n / 20, wire.question(f"good{n}.fine.example")) for n in range(_FRESH)]
        replies = volley(server.port, stuck + fresh, 4.5)
    answered, slowest = _good(replies[_STUCK:])
    told = [reply for reply in replies[:_STUCK] if reply]
    late = sum(heard.took > 4.0 + _SLACK for heard in told)
    text = f"{answered} of {_FRESH} fresh names answered, the slowest in {slowest:.0f} ms; "
    text += f"{len(told)} of {_STUCK} stuck ones told SERVFAIL, {late} after more than 4 s"
    all_told = answered == _FRESH and len(told) == _STUCK
    in_time = slowest < (_SLOWEST + _SLACK) * 1000 and not late
    return Seen(all_told and in_time, text, late=all_told)


_RATE = 11_500
"""Queries a second; each of the addresses is far below its limit."""
_ADDRESSES = [f"127.0.{net}.{host}" for net in range(32, 40) for host in range(1, 13)]
_WIDE = """
[vlans.crowd]
prefixes = ["127.0.32.0/20"]
policy = "publicity"
[[forward]]
zones = ["stuck"]
servers = ["127.0.0.1:{port}"]
"""
_QUESTIONS = 48


def stuck_vlan() -> Seen:
    """11,500 stuck names a second from 96 addresses of one VLAN; another VLAN asks for names."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unread:
        unread.bind(("127.0.0.1", 0))
        with behind(honest, more=_WIDE.format(port=unread.getsockname()[1])) as (server, _):
            stuck = [
                Shot(n / _RATE, _stuck_question(n), _ADDRESSES[n % len(_ADDRESSES)])
                for n in range(6 * _RATE)
            ]
            asked = [
                Shot(2 + n / 12, wire.question(f"good{n}.fine.example")) for n in range(_QUESTIONS)
            ]
            replies = volley(server.port, stuck + asked, 4.5)
    failed = sum(_is_failure(reply) for reply in replies[len(stuck) :])
    refused = sum(_is_failure(reply, within=1.0) for reply in replies[: len(stuck)])
    if not refused:
        return Seen(True, "not tried: this machine is too slow to fill the room of one VLAN")
    answered, _ = _good(replies[len(stuck) :])
    text = f"{failed} of {_QUESTIONS} told SERVFAIL, {answered} answered; "
    text += f"{refused} of {len(stuck)} stuck ones found no room"
    return Seen(not failed and answered > 0, text)


def _is_failure(heard: Heard | None, within: float = 5.0) -> bool:
    """Whether SERVFAIL came within these seconds."""
    return (
        heard is not None and heard.took < within and wire.rcode_of(heard.packet) == wire.SERVFAIL
    )


def _stuck_question(number: int) -> bytes:
    """For a name in a zone of its own, so that only the share of the VLAN bounds them all."""
    return wire.question(f"a.b.z{number}.stuck")


def random_subdomains() -> Seen:
    """A flood of random names below one zone whose servers are gone, 2,000 a second."""
    with behind(_sticky, more=_CROWD) as (server, upstream_):
        names = (f"{random.getrandbits(60):x}.victim.example" for _ in range(6000))
        flood = [Shot(n / 2000, wire.question(name)) for n, name in enumerate(names)]
        others = [
            Shot(0.3 + n / 30, wire.question(f"good{n}.fine.org"), client)
            for client in ("127.0.20.9", "127.0.21.9")
            for n in range(75)
        ]
        replies = volley(server.port, flood + others, 4.5)
        before = len(upstream_.asked)
    answered, slowest = _good(replies[6000:])
    told = sum(reply is not None for reply in replies[:6000])
    text = f"{answered} of {len(others)} others served, the slowest in {slowest:.0f} ms; "
    text += f"{told} of 6000 of the flood told, {before} upstream queries"
    return Seen(answered == len(others) and told == 6000, text)


def _failure(server: Darban, name: str) -> tuple[bool, str]:
    """Whether a name's SERVFAIL came in time with an Extended DNS Error that says why."""
    began = time.monotonic()
    reply = ask(server.port, wire.question(name, edns=wire.opt()), seconds=5)
    took = time.monotonic() - began
    if reply is None:
        return False, "nothing"
    good = reply.rcode == wire.SERVFAIL and took < 4.0 + _SLACK
    text = f"rcode {reply.rcode}, EDE {reply.errors}, {took:.1f} s"
    return good and bool({22, 23} & set(reply.errors)), text


def _silent(asked: Asked) -> Iterator[Say]:  # noqa: ARG001 - whatever is asked
    yield from ()


def dead() -> Seen:
    """An upstream whose host says that nobody listens, and one that says nothing."""
    with behind(_silent) as (server, _):
        silent = _failure(server, "new.example")
        again = _failure(server, "another.example")
    with darban(["127.0.0.1:9"]) as server:
        closed = _failure(server, "new.example")
    text = f"silent: {silent[1]}; once more: {again[1]}; closed: {closed[1]}"
    return Seen(silent[0] and again[0] and closed[0], text)


def recovery() -> Seen:
    """Both upstreams fall silent for 5 s; then the time until a new name is answered."""
    up = [True]

    def script(asked: Asked) -> Iterator[Say]:
        if up[0]:
            yield from honest(asked)

    with ExitStack() as stack:
        both = [stack.enter_context(upstream(script)) for _ in range(2)]
        server = stack.enter_context(darban([item.where for item in both]))
        assert ask(server.port, wire.question("before.example"))
        up[0] = False
        shots = [Shot(n / 20, wire.question(f"d{n}.down.example")) for n in range(100)]
        volley(server.port, shots, 0)
        up[0] = True
        began = time.monotonic()
        tries, answered = 0, False
        while time.monotonic() - began < 5 and not answered:
            tries += 1
            reply = ask(server.port, wire.question(f"r{tries}.up.example"), seconds=3)
            answered = bool(reply and reply.addresses)
        took = time.monotonic() - began
    text = (
        f"{'answered again' if answered else 'no answer'} after {took:.2f} s, at question {tries}"
    )
    return Seen(answered and took < 2.0 + _SLACK, text, late=answered)


def fails_over() -> Seen:
    """The faster of two upstreams dies for good: no new name may be lost, and soon none be slow."""
    dead_at = time.monotonic() + 2.5

    def dying(asked: Asked) -> Iterator[Say]:
        if asked.at < dead_at:
            yield from honest(asked)

    with ExitStack() as stack:
        first = stack.enter_context(upstream(dying))
        second = stack.enter_context(upstream(lambda asked: honest(asked, after=0.02)))
        server = stack.enter_context(darban([first.where, second.where]))
        shots = [Shot(n / 100, wire.question(f"o{n}.over.example")) for n in range(450)]
        replies = volley(server.port, shots, 3)
    answered, slowest = _good(replies)
    last = [reply.took for reply in replies[-100:] if reply]
    soon = sum(took < 0.1 for took in last)
    text = f"{answered} of 450 answered, the slowest in {slowest:.0f} ms; "
    text += f"of the last 100 {soon} within 100 ms"
    return Seen(answered == 450 and soon >= 95, text, late=answered == 450)


def poisoned_demotion() -> Seen:
    """500 replies that match nothing: the only upstream must not be given up for them."""

    def script(asked: Asked) -> Iterator[Say]:
        if not asked.name.startswith("good"):
            for n in range(1, 4):
                yield Say(wire.reply(asked.packet, ident=asked.ident ^ n))
            if not asked.stream:
                return
        yield from honest(asked)

    with behind(script) as (server, _):
        bad = [Shot(n / 500, wire.question(f"b{n}.bad.example")) for n in range(500)]
        good = [Shot(0.5 + n / 20, wire.question(f"good{n}.fine.org")) for n in range(30)]
        replies = volley(server.port, bad + good, 4)
    answered, slowest = _good(replies[500:])
    text = f"{answered} of 30 good names answered, the slowest in {slowest:.0f} ms"
    return Seen(answered == 30, text)


ATTACKS = (
    Attack("stuck", "30 of 30 fresh names within 50 ms", stuck_names, quick=False),
    Attack(
        "stuck-vlan",
        "none of 48 told SERVFAIL, while the flood finds no room",
        stuck_vlan,
        quick=False,
    ),
    Attack(
        "subdomains", "all others served, all of the flood told", random_subdomains, quick=False
    ),
    Attack("dead", "SERVFAIL with EDE 22 or 23 within 4 s", dead, quick=False),
    Attack("recovery", "within 2 s", recovery, quick=False),
    Attack("failover", "all answered, soon without delay", fails_over, quick=False),
    Attack("demotion", "30 of 30 good names answered", poisoned_demotion, quick=False),
)
