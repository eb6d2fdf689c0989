"""The rows of the table: what is between a resolver and its upstreams, and what these do."""

import functools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.programs.attacks import wire
from tests.programs.attacks.fake_upstream import Asked, Say, Script, honest

KNOWN_FOR = 2
"""Seconds that an answer is kept where a row has names that are known."""


@dataclass(frozen=True)
class Row:
    """A network, its upstreams, and how fast new names are asked for."""

    about: str
    upstreams: tuple[Callable[[], Script], ...] = (lambda: honest,)
    """What makes the script of each upstream; none: NSD with its default rate limit."""
    loss: int = 0
    """Percent of the UDP and TCP packets that are lost each way."""
    closed: str = ""
    """What of a query is dropped before the upstreams, as nftables says it."""
    rate: int = 200
    """New names a second."""
    together: int = 1
    """So many names at a time, as a page asks for them."""
    names: int = 1000
    within: float = 5.0
    """Seconds in which an answer counts."""
    known: bool = False
    """Whether all names were asked for before, and have expired."""
    is_cut: bool = False
    """Whether nine of ten names are abroad, to which there is no link. The others alone count."""
    clients: int = 1
    bursts: bool = False
    """Whether packets are lost in bursts, each way."""
    kbits: int = 0
    """The rate of the link, each way, in kbit/s; 0 for any."""
    tcp_kbits: int = 0
    """The rate of what is sent over TCP alone."""
    drops_large: bool = False
    """Whether packets over 1,400 octets are dropped, and nobody learns that."""
    tls: bool = False
    """Whether the upstreams are asked over TLS."""


def after(seconds: float) -> Callable[[], Script]:
    """An upstream that needs so long for everything."""
    return lambda: functools.partial(honest, after=seconds)


def _flapping() -> Script:
    """Up for 0.6 s, down for 0.9 s."""
    return lambda asked: honest(asked) if asked.at % 1.5 < 0.6 else ()


def _silent() -> Script:
    return lambda _: ()


def _refusing() -> Script:
    return lambda asked: [Say(wire.reply(asked.packet, rcode=wire.REFUSED))]


def _jittery() -> Script:
    """5 to 150 ms, so that answers also overtake each other."""
    return lambda asked: honest(asked, after=random.uniform(0.005, 0.15))


def _satellite() -> Script:
    return lambda asked: honest(asked, after=max(random.gauss(0.6, 0.06), 0.5))


def _twice() -> Script:
    return lambda asked: honest(asked) * 2


def _limited() -> Script:
    """Of two queries over UDP, one is dropped at random, and one truncated."""

    def script(asked: Asked) -> Iterator[Say]:
        if asked.stream:
            yield from honest(asked)
        elif random.random() < 0.5:
            yield Say(wire.reply(asked.packet, flags=wire.TC))

    return script


def _large() -> Script:
    """Answers of 3,000 octets, in fragments where the query permits it."""
    more = [wire.record(wire.AT_QUESTION, wire.TXT, bytes((200,)) + bytes(200))] * 14

    def script(asked: Asked) -> Iterator[Say]:
        end = wire.question_end(asked.packet)
        size = int.from_bytes(asked.packet[end + 3 : end + 5], "big") or 512
        answer = [wire.address(wire.AT_QUESTION, "192.0.2.1"), *more]
        packet = wire.reply(asked.packet, answer)
        if not asked.stream and len(packet) > size:
            packet = wire.reply(asked.packet, flags=wire.TC)
        yield Say(packet)

    return script


def _truncating() -> Script:
    """All over UDP is truncated: answers come over TCP alone."""
    return lambda asked: (
        honest(asked) if asked.stream else [Say(wire.reply(asked.packet, flags=wire.TC))]
    )


def _recursing() -> Script:
    """Of 20 names, one takes 0.1 to 1 s, however often it is asked for; the others 5 ms."""
    ready: dict[str, float] = {}

    def script(asked: Asked) -> list[Say]:
        takes = random.uniform(0.1, 1.0) if random.random() < 0.05 else 0.005
        at = ready.setdefault(asked.name, asked.at + takes)
        return honest(asked, after=max(at - asked.at, 0.0))

    return script


def _of_capacity(rate: float) -> Callable[[], Script]:
    """An upstream that answers so many queries a second, one after the other."""

    def make() -> Script:
        free_at = 0.0

        def script(asked: Asked) -> list[Say]:
            nonlocal free_at
            free_at = max(free_at, asked.at) + 1 / rate
            return honest(asked, after=free_at - asked.at)

        return script

    return make


def cut(abroad: Script) -> Callable[[], Script]:
    """An upstream at home: it answers for names at home, and for those abroad does as it can."""
    return lambda: lambda asked: (honest if is_at_home(asked.name) else abroad)(asked)


def is_at_home(name: str) -> bool:
    """Whether a name is at home."""
    return name.endswith(".ir")


def _fails_late(asked: Asked) -> list[Say]:
    return [Say(wire.reply(asked.packet, rcode=wire.SERVFAIL), 8.0)]


def _row_of_cut(about: str, rate: int, abroad: Script, clients: int = 40) -> Row:
    return Row(
        f"names at home, of which 1 in 10 of {rate:,} a second are; those abroad {about}",
        (cut(abroad),),
        rate=rate,
        names=10 * rate,
        is_cut=True,
        clients=clients,
    )


def _over_tcp_alone(rate: int, seconds: float) -> Row:
    """On 128 kbit/s each way, some 300 a second have room, if few are sent alone."""
    return Row(
        f"{rate} names a second over TCP alone, which has 128 kbit/s, for {seconds} s",
        (_truncating,),
        rate=rate,
        names=int(rate * seconds),
        tcp_kbits=128,
    )


_ONE: tuple[Callable[[], Script], ...] = (lambda: honest,)
_TWO = _ONE * 2
ROWS = {
    "clean": Row("a clean link"),
    "loss-30": Row("30 % loss", loss=30),
    "loss-30-two": Row("30 % loss, two upstreams", _TWO, loss=30),
    "loss-50": Row("50 % loss", loss=50),
    "limited": Row("rate limit: half dropped, half truncated", (_limited,)),
    "nsd": Row("NSD's default rate limit, at 400 a second", (), rate=400),
    "flapping": Row("the only upstream flaps (0.6 s up, 0.9 s down)", (_flapping,)),
    "udp-closed": Row("UDP to the upstream closed, TCP open", closed="meta l4proto udp"),
    "slow-1": Row("answers after 1 s", (after(1.0),)),
    "slow-2": Row("answers after 2 s", (after(2.0),)),
    "slow-2-1000": Row("answers after 2 s, 1,000 a second", (after(2.0),), rate=1000, names=5000),
    "slow-2-2000": Row("answers after 2 s, 2,000 a second", (after(2.0),), rate=2000, names=10000),
    "full": Row(
        "an upstream at 110 % of its capacity, within 1 s",
        (_of_capacity(200 / 1.1),),
        names=2500,
        within=1.0,
    ),
    "recursing": Row("one name of 20 takes 0.1 to 1 s", (_recursing,)),
    "jitter": Row("delays of 5 to 150 ms, reordering", (_jittery,)),
    "duplicates": Row("each answer twice", (_twice,)),
    "fragments": Row(
        "large answers, fragments dropped", (_large,), closed="ip frag-off & 0x3fff != 0"
    ),
    "mtu-1400": Row(
        "large answers, packets over 1,400 octets dropped", (_large,), rate=50, drops_large=True
    ),
    "tcp-128": Row(
        "large answers over TCP at 128 kbit/s", (_large,), rate=4, names=200, together=4, kbits=128
    ),
    "tcp-256": Row(
        "large answers over TCP at 256 kbit/s", (_large,), rate=8, names=400, together=8, kbits=256
    ),
    "tcp-limit": _over_tcp_alone(400, 2.5),
    "tcp-limit-300": _over_tcp_alone(300, 12),
    "tcp-limit-400": _over_tcp_alone(400, 12),
    "tls-loss-30": Row("DNS over TLS, 30 % loss", loss=30, rate=50, tls=True),
    "tls-150": Row(
        "large answers over TLS at 150 kbit/s",
        (_large,),
        rate=4,
        names=200,
        together=4,
        kbits=150,
        tls=True,
    ),
    "tls-one-silent": Row("DNS over TLS, one of two hangs", (_silent, *_ONE), rate=50, tls=True),
    "satellite": Row("a satellite: 600 ms, jitter of 60 ms, 1 % loss", (_satellite,), loss=1),
    "bursts": Row("loss in bursts of 50 ms (Gilbert-Elliott)", bursts=True),
    "one-dead": Row("one of two dead", (_silent, *_ONE)),
    "one-slow": Row("one of two slow (1.5 s)", (after(1.5), *_ONE)),
    "one-flapping": Row("one of two flaps", (_flapping, *_ONE)),
    "one-refusing": Row("one of two refuses", (_refusing, *_ONE)),
    "probed": Row("one of two dead, 5 names a second", (_silent, after(0.02)), rate=5, names=150),
    "stale": Row(
        "an outage, all names known",
        (lambda: functools.partial(honest, ttl=KNOWN_FOR),),
        closed="meta l4proto { udp, tcp }",
        known=True,
    ),
    "cut-200": _row_of_cut("hang", 200, lambda _: ()),
    "cut-1000": _row_of_cut("hang", 1000, lambda _: ()),
    "cut-1000-4": _row_of_cut("hang, 4 clients", 1000, lambda _: (), clients=4),
    "cut-2000": _row_of_cut("hang", 2000, lambda _: ()),
    "cut-fails": _row_of_cut("fail after 8 s", 1000, _fails_late),
    "cut-refused": _row_of_cut("are refused", 1000, _refusing()),
}


def scripts(row: Row) -> list[Script]:
    """A script for each upstream of a row; until the first name is asked for, all are honest."""
    begun = False

    def playing(script: Script) -> Script:
        def play(asked: Asked) -> Iterable[Say]:
            nonlocal begun
            begun = begun or asked.name.startswith("www.")
            return script(asked) if begun else honest(asked)

        return play

    return [playing(make()) for make in row.upstreams]


def questions(row: Row) -> Iterator[bytes]:
    """The queries for its names, each below a domain of its own."""
    return (wire.question(name, edns=wire.opt()) for name in names(row))


def names(row: Row) -> Iterator[str]:
    """Its names, in the order in which they are asked for."""
    for number in range(row.names):
        if row.is_cut:
            yield f"www.n{number}.{'com' if number % 10 else 'ir'}"
        else:
            yield f"www.n{number}.org{number}"
