"""The metrics are rendered after a request, and once for all requests of a flood."""

import asyncio
import itertools
import time
from collections.abc import Iterator

import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from resolver.web import metrics_page
from resolver.web.metrics_page import Exposition

OPEN = "application/openmetrics-text; version=1.0.0"


class _Counting(Collector):
    """Counts how often it is collected."""

    def __init__(self) -> None:
        self.times = 0
        self.moments: list[float] = []

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        self.times += 1
        self.moments.append(time.monotonic())
        yield GaugeMetricFamily("times", "So often", self.times)


def test_a_flood_shares_the_next_rendering() -> None:
    collector = _Counting()

    async def flood() -> list[bytes]:
        made = Exposition(collector)
        return [text for text, _ in await asyncio.gather(*(made.get("") for _ in range(500)))]

    texts = asyncio.run(flood())
    assert collector.times == 1
    assert set(texts) == {texts[0]}


def test_a_later_request_gets_a_later_rendering() -> None:
    collector = _Counting()

    async def again() -> list[bytes]:
        made = Exposition(collector)
        return [(await made.get(""))[0] for _ in range(3)]

    assert len(set(asyncio.run(again()))) == collector.times == 3


def test_a_request_that_is_cancelled_does_not_cancel_the_others() -> None:
    async def left() -> bytes:
        made = Exposition(_Counting())
        hasty = asyncio.create_task(made.get(""))
        patient = asyncio.create_task(made.get(""))
        await asyncio.sleep(0)
        hasty.cancel()
        return (await patient)[0]

    assert b"times 1.0" in asyncio.run(left())


def test_formats_are_rendered_one_after_the_other_with_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics_page, "_INTERVAL", 0.1)
    collector = _Counting()

    async def all_of_them() -> None:
        made = Exposition(collector)
        await made.get("")
        await asyncio.gather(*(made.get(text) for text in ("", OPEN, f"{OPEN};escaping=dots")))

    asyncio.run(all_of_them())
    pauses = [after - before for before, after in itertools.pairwise(collector.moments)]
    assert len(pauses) == 3
    assert min(pauses) > 0.09


def test_each_request_gets_its_format() -> None:
    async def both() -> list[tuple[bytes, str]]:
        made = Exposition(_Counting())
        return list(await asyncio.gather(made.get(""), made.get(OPEN)))

    (plain, kind), (opened, other) = asyncio.run(both())
    assert kind.startswith("text/plain")
    assert other.startswith("application/openmetrics-text")
    assert opened.endswith(b"# EOF\n")
    assert b"EOF" not in plain
