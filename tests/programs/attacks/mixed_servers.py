"""Upstream groups of which one server is good, and the others are not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import PUBLICITY, Shot, volley
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest, upstream
from tests.programs.attacks.real_server import behind, darban

Start = Callable[[list[str]], AbstractContextManager[int]]
"""Start the server under test with these upstream servers: its port."""

CROWD = "[limits]\nqueries_per_address = 10_000\n"
"""One address stands for a crowd."""
_RATE = 500
"""New names a second."""
_SECONDS = 10


class Mixed(NamedTuple):
    """What came of all names."""

    answered: float
    """The share."""
    slowest: float
    """Seconds until the last answer of one."""
    queries: dict[str, int]
    """Those that each server got."""

    def __str__(self) -> str:
        per_question = sum(self.queries.values()) / (_RATE * _SECONDS)
        shares = ", ".join(f"{count} {name}" for name, count in self.queries.items())
        return (
            f"{self.answered:.2%} answered, the slowest in {self.slowest * 1000:.0f} ms, "
            f"{per_question:.2f} upstream queries a question ({shares})"
        )


@contextmanager
def darban_for_all(servers: list[str]) -> Iterator[int]:
    """Darban, with a limit that one client with many queries does not reach."""
    with darban(servers, more=CROWD) as server:
        yield server.port


def flapping(asked: Asked) -> Iterator[Say]:
    """Up for half a second, down for half a second."""
    if asked.at % 1.0 < 0.5:
        yield from honest(asked, after=0.002)


def lame(asked: Asked) -> Iterator[Say]:
    """A referral, with RA all the same."""
    yield Say(wire.reply(asked.packet, (), [wire.record(b"\x00", wire.NS, b"\x02ns\x00")]))


def mixed(start: Start, slow: float) -> Mixed:
    """Ask for names at a steady rate; the slow server needs ``slow`` seconds."""
    scripts = {
        "flapping": flapping,
        "slow": lambda asked: honest(asked, after=slow),
        "lame": lame,
        "good": lambda asked: honest(asked, after=0.002),
    }
    with ExitStack() as stack:
        servers = {name: stack.enter_context(upstream(script)) for name, script in scripts.items()}
        port = stack.enter_context(start([each.where for each in servers.values()]))
        shots = [
            Shot(n / _RATE, wire.question(f"m{n}.mixed.example"), PUBLICITY)
            for n in range(_RATE * _SECONDS)
        ]
        replies = volley(port, shots, 8)
        asked = {name: len(each.asked) for name, each in servers.items()}
    good = [each.took for each in replies if each and wire.read(each.packet).addresses == [TRUE]]
    return Mixed(len(good) / len(shots), max(good, default=0.0), asked)


def _attack(slow: float) -> Callable[[], Seen]:
    def run() -> Seen:
        seen = mixed(darban_for_all, slow)
        return Seen(seen.answered >= _ANSWERED and seen.slowest < _SLOWEST, str(seen))

    return run


def _refused(asked: Asked) -> Iterator[Say]:
    yield Say(wire.reply(asked.packet, rcode=wire.REFUSED))


def refusing() -> Seen:
    """One of two upstreams refuses all names; then it is alone, and one name is asked for often."""
    shots = [Shot(n / 100, wire.question(f"r{n}.refused.example")) for n in range(300)]
    with ExitStack() as stack:
        both = [stack.enter_context(upstream(each)) for each in (_refused, honest)]
        server = stack.enter_context(darban([each.where for each in both]))
        replies = volley(server.port, shots, 4)
    answered = sum(each and wire.read(each.packet).addresses == [TRUE] for each in replies)
    with behind(_refused) as (server, alone):
        again = [Shot(n / 100, wire.question("again.example")) for n in range(300)]
        told = sum(each is not None for each in volley(server.port, again, 4))
        asked = len(alone.of("again.example"))
    text = f"{answered} of 300 answered; alone {told} of 300 told, by {asked} upstream queries"
    return Seen(answered == told == 300 and asked <= _REFUSED, text)


_REFUSED = 12
"""Upstream queries in 3 s for a name that is refused (RFC 9520, section 3.2)."""
_ANSWERED = 0.999
_SLOWEST = 2.0

_WANTED = f"{_ANSWERED:.1%} answered, the slowest within {_SLOWEST:.0f} s"
ATTACKS = (
    Attack("mixed-2.2-s", _WANTED, _attack(2.2), quick=False),
    Attack("mixed-5-s", _WANTED, _attack(5.0), quick=False),
    Attack(
        "refusing",
        f"300 of 300 answered by the other; alone at most {_REFUSED} upstream queries",
        refusing,
        quick=False,
    ),
)
