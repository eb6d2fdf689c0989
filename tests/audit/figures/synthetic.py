"""Figures of two nodes, as of a month with VLANs and services; the same for the same seed."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from resolver.audit.figures.counts import HourFigures, Labels, Minute, SelfTestResult
from resolver.audit.figures.store import FigureStore

HOUR, MINUTE, DAY = 3600, 60, 86_400
ABAN = 1_792_701_000
"""When 1405-08 begins in Tehran, 2026-10-23 00:00 +03:30, in seconds since 1970."""
AZAR = ABAN + 30 * DAY
NODES = ("ns1.agency.example", "ns2.agency.example")
POLICY = "5c6ffbdd40d9556b73a21e63c3e0e904"
SERVICES = tuple(f"service-{number:02}" for number in range(40))
VLANS = tuple(f"vlan-{number:02}" for number in range(20))


def month(
    node: int = 0,
    *,
    begin: int = ABAN,
    days: int = 30,
    vlans: Sequence[str] = VLANS,
    services: Sequence[str] = SERVICES,
) -> Iterator[HourFigures]:
    """Every hour of a month in which every VLAN asks for every service.

    Queries are few at night. The second node stands for an hour on the tenth day, and its self-test
    fails for one on the twelfth.
    """
    chance = random.Random(node)
    for hour in range(begin, begin + days * DAY, HOUR):
        of_hour = HourFigures(hour)
        clock = (hour - begin) // HOUR % 24
        most = 400 if 7 <= clock < 15 else 20
        for vlan in vlans:
            of_hour.counts[Labels(vlan, "", "passed")] = chance.randint(0, 100 * most)
            for service in services:
                of_hour.counts[Labels(vlan, service, "blocked")] = chance.randint(1, most)
            of_hour.counts[Labels(vlan, services[0], "exempted")] = chance.randint(1, most)
        of_hour.minutes = list(_minutes(node, hour, (hour - begin) // HOUR))
        yield of_hour


def _minutes(node: int, hour: int, number: int) -> Iterator[Minute]:
    if node == 1 and number == 9 * 24 + 10:
        return
    tested = SelfTestResult.FAILED if node == 1 and number == 11 * 24 + 8 else SelfTestResult.HELD
    for at in range(hour, hour + HOUR, MINUTE):
        yield Minute(at, POLICY, serving=True, tested=tested)


def write_month(directory: Path, node: int = 0, days: int = 30) -> None:
    """Write such a month, or its first days, as the node's server does."""
    store = FigureStore(directory, NODES[node])
    for of_hour in month(node, days=days):
        store.add(of_hour, "Asia/Tehran")
