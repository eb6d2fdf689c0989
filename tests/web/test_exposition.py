"""The metrics are made for whoever asks, never before they ask, and not for each of a flood."""

import asyncio
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from resolver.web.exposition import Exposition

OPEN = "application/openmetrics-text; version=1.0.0"


class _Counting(Collector):
    """Says how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        self.times += 1
        yield GaugeMetricFamily("times", "So often", self.times)


def test_a_flood_shares_what_is_made_next() -> None:
    collector = _Counting()

    async def flood() -> list[bytes]:
        exposition = Exposition(collector)
        return [text for text, _ in await asyncio.gather(*(exposition.get("") for _ in range(500)))]

    texts = asyncio.run(flood())
    assert collector.times == 1
    assert set(texts) == {texts[0]}


def test_who_asks_later_gets_what_was_made_later() -> None:
    collector = _Counting()

    async def again() -> list[bytes]:
        exposition = Exposition(collector)
        return [(await exposition.get(""))[0] for _ in range(3)]

    assert len(set(asyncio.run(again()))) == collector.times == 3


def test_one_who_goes_does_not_take_it_from_the_others() -> None:
    async def left() -> bytes:
        exposition = Exposition(_Counting())
        hasty = asyncio.create_task(exposition.get(""))
        patient = asyncio.create_task(exposition.get(""))
        await asyncio.sleep(0)
        hasty.cancel()
        return (await patient)[0]

    assert b"times 1.0" in asyncio.run(left())


def test_each_gets_the_format_that_it_asks_for() -> None:
    async def both() -> list[tuple[bytes, str]]:
        exposition = Exposition(_Counting())
        return list(await asyncio.gather(exposition.get(""), exposition.get(OPEN)))

    (plain, kind), (opened, other) = asyncio.run(both())
    assert kind.startswith("text/plain")
    assert other.startswith("application/openmetrics-text")
    assert opened.endswith(b"# EOF\n")
    assert b"EOF" not in plain
