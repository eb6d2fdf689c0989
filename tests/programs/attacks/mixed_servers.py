"""Upstream groups of which one server is good, and the others are not."""

from collections.abc import Iterator
from contextlib import ExitStack

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import Shot, volley
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest, upstream
from tests.programs.attacks.real_server import behind, darban

CROWD = "[limits]\nqueries_per_address = 10_000\n"
"""One address stands for a crowd."""


def _refused(asked: Asked) -> Iterator[Say]:
    yield Say(wire.reply(asked.packet, rcode=wire.REFUSED))


def refusing() -> Seen:
    """One of two upstreams refuses all names; then it is alone, and one name is asked for often."""
    shots = [Shot(n / 100, wire.question(f"r{n}.refused.example")) for n in range(300)]
    with ExitStack() as stack:
        both = [stack.enter_context(upstream(item)) for item in (_refused, honest)]
        server = stack.enter_context(darban([item.where for item in both]))
        replies = volley(server.port, shots, 4)
    answered = sum(
        reply is not None and wire.read(reply.packet).addresses == [TRUE] for reply in replies
    )
    with behind(_refused) as (server, alone):
        again = [Shot(n / 100, wire.question("again.example")) for n in range(300)]
        told = sum(heard is not None for heard in volley(server.port, again, 4))
        asked = len(alone.of("again.example"))
    text = f"{answered} of 300 answered; alone {told} of 300 told, by {asked} upstream queries"
    return Seen(answered == told == 300 and asked <= _REFUSED, text)


_REFUSED = 12
"""Upstream queries in 3 s for a name that is refused (RFC 9520, section 3.2)."""

ATTACKS = (
    Attack(
        "refusing",
        f"300 of 300 answered by the other; alone at most {_REFUSED} upstream queries",
        refusing,
        quick=False,
    ),
)
