"""What an attacker sees of the questions that go to the upstream: how many, from where, by
what ID."""

import itertools
from collections import Counter
from collections.abc import Callable

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import Shot, volley
from tests.programs.attacks.fake_upstream import Asked, honest
from tests.programs.attacks.real_server import behind

_QUERIES = 300


def _observed(pace: Callable[[int], float], delay: float) -> tuple[list[Asked], dict[str, int]]:
    """What the upstream saw of 300 queries, and the ID that the client gave each name."""
    with behind(lambda asked: honest(asked, after=delay)) as (server, upstream):
        names = [f"e{n}.entropy{n}.example" for n in range(_QUERIES)]
        shots = [Shot(pace(n), wire.question(name)) for n, name in enumerate(names)]
        volley(server.port, shots, 4)
        return list(upstream.asked), {name: n for n, name in enumerate(names)}


def _ports(asked: list[Asked], clients: dict[str, int]) -> Seen:
    uses = Counter(item.peer[1] for item in asked)
    spans = [
        max(moments) - min(moments)
        for _, group in itertools.groupby(
            sorted(asked, key=lambda asked: asked.peer[1]), key=lambda asked: asked.peer[1]
        )
        if (moments := [asked.at for asked in group])
    ]
    idents = len({item.ident for item in asked})
    same = sum(clients.get(item.name) == item.ident for item in asked)
    most, longest = max(uses.values()), max(spans)
    spread = len(uses) >= 60 and most <= 8 and idents >= _QUERIES - 8 and same <= 2
    in_time = len(asked) == _QUERIES and longest <= 1.1  # what is late is asked again
    text = f"{len(uses)} ports in {len(asked)} queries, at most {most} on one, "
    text += f"for {longest:.2f} s at most; {idents} IDs, {same} the client's own"
    return Seen(spread and in_time, text, late=spread)


def ports_under_load() -> Seen:
    return _ports(*_observed(lambda n: n / 2000, 0.3))


def ports_at_rest() -> Seen:
    return _ports(*_observed(lambda n: n / 150, 0.0))


ATTACKS = (
    Attack("ports-busy", "60 ports or more, 8 queries and 1 s each at most", ports_under_load),
    Attack(
        "ports-idle", "60 ports or more, 8 queries and 1 s each at most", ports_at_rest, quick=False
    ),
)
