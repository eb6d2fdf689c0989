"""Watching a server's metrics, as Prometheus does but as often as the server lets."""

import itertools
import time
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self

from prometheus_client.parser import text_string_to_metric_families

from tests.programs.bench.probes import Background

_EVERY = 0.1
_COUNTS = ("_total", "_count", "_sum", "_bucket")

Values = Mapping[str, float]
"""By series, name and labels."""


class Scrape(NamedTuple):
    """What the metrics said at a moment."""

    moment: float
    values: Values


class Scrapes(Background):
    """Scrapes while it is entered."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._url = f"http://127.0.0.1:{port}/metrics"
        self.kept: list[Scrape] = []

    def __enter__(self) -> Self:
        self._scrape()
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._scrape()

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY):
            self._scrape()

    def _scrape(self) -> None:
        with urllib.request.urlopen(self._url, timeout=5) as answer:
            text = answer.read().decode()
        self.kept.append(Scrape(time.monotonic(), read(text)))


def read(text: str) -> Values:
    """Every series of an exposition."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(values: Values, name: str) -> float:
    """A metric, summed over its labels."""
    return sum(number for series, number in values.items() if series.partition("[")[0] == name)


def gone_back(scrapes: Sequence[Values]) -> list[str]:
    """The counters that were lower once than in the scrape before."""
    return sorted(
        {
            series
            for before, after in itertools.pairwise(scrapes)
            for series in _lower(before, after)
        }
    )


def _lower(before: Values, after: Values) -> Iterable[str]:
    for series, number in before.items():
        is_counter = series.partition("[")[0].endswith(_COUNTS)
        if is_counter and after.get(series, 0.0) < number:
            yield series
