"""Which connection is closed for a new one: never one of a VLAN that has fewer than another."""

import random
from collections import Counter

import pytest

from resolver.server.connection_shares import ConnectionShare


class Counted:
    """A connection of a client, and its rank by the time of its last activity."""

    def __init__(self, where: tuple[str, str, str], active: float) -> None:
        self.where = where
        self.active = active


class Listener:
    """A full listener: each new connection takes the place of another."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.open: list[Counted] = []
        self.all: ConnectionShare[Counted] = ConnectionShare()
        self._shares: dict[Counted, ConnectionShare[Counted]] = {}
        self._now = 0.0

    def take(self, vlan: str, prefix: str, client: str) -> Counted:
        if len(self.open) == self.size:
            self.close(self.all.eviction_candidate())
        self._now += 1
        connection = Counted((vlan, prefix, client), self._now)
        self._shares[connection] = self.all.add(connection, vlan, prefix, client)
        self.open.append(connection)
        return connection

    def close(self, connection: Counted) -> None:
        self.open.remove(connection)
        self._shares.pop(connection).remove(connection)

    def counts(self, depth: int) -> Counter[tuple[str, ...]]:
        return Counter(counted.where[:depth] for counted in self.open)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_who_wants_least_keeps_all_and_the_others_have_equal_shares(depth: int) -> None:
    """Of the VLANs, of the prefixes of one VLAN, of the clients of one prefix."""
    listener = Listener(30)
    chance = random.Random(depth)

    def take(who: str) -> None:
        few = ["v", "p", "c"][: depth - 1]
        many = [f"{who}{chance.randrange(5)}" for _ in range(3 - depth)]
        where = [*few, who, *many]
        listener.take(where[0], where[1], where[2])

    for _ in range(100):
        take("greedy")
    for _ in range(3):
        take("modest")
    for _ in range(300):
        take(chance.choice(["greedy", "greedy", "grasping"]))
    counts = {where[-1]: count for where, count in listener.counts(depth).items()}
    assert counts["modest"] == 3
    assert sorted(counts.values()) == [3, 13, 14]


def test_of_those_who_have_as_many_it_is_the_longest_inactive() -> None:
    listener = Listener(8)
    made = [listener.take(f"v{n % 2}", f"p{n % 4}", f"c{n}") for n in range(8)]
    made[0].active = made[3].active = 100.0
    order = []
    while listener.open:
        order.append(made.index(listener.all.eviction_candidate()))
        listener.close(made[order[-1]])
    assert order[0] == 1
    assert set(order[-2:]) == {0, 3}


def test_of_one_client_it_is_the_longest_inactive() -> None:
    listener = Listener(3)
    made = [listener.take("v", "p", "c") for _ in range(3)]
    made[0].active = 100.0
    listener.take("v", "p", "other")
    assert listener.open[:2] == [made[0], made[2]]


def test_who_has_nothing_any_more_is_forgotten() -> None:
    listener = Listener(100)
    chance = random.Random(7)
    for _ in range(1000):
        listener.take(*(f"{part}{chance.randrange(9)}" for part in "vpc"))
    while listener.open:
        assert listener.all.count == len(listener.open)
        listener.close(chance.choice(listener.open))
    assert listener.all.count == 0
    with pytest.raises(ValueError, match="empty"):
        listener.all.eviction_candidate()
