"""/metrics, read as Prometheus reads it."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from prometheus_client.parser import text_string_to_metric_families

_GET = (
    "import sys, urllib.request; "
    "sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
)


class Scrape:
    """The series of one scrape."""

    def __init__(self, text: str) -> None:
        self.values = {
            (sample.name, _key(sample.labels)): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """The value of one series; 0 where there is none, as for ``rate``."""
        return self.values.get((name, _key(labels)), 0.0)

    def total(self, name: str, **labels: str) -> float:
        """The sum of all series that have these labels."""
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.values.items() if n == name and wanted <= set(have))

    def counters(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Every series that must never go back."""
        ends = ("_total", "_bucket", "_count", "_sum")
        return {key: value for key, value in self.values.items() if key[0].endswith(ends)}


def scrape(port: int, through: Sequence[str] = ()) -> Scrape | None:
    """Ask a server for its metrics, within a namespace where ``through`` leads into one.

    None where nobody answers (yet).
    """
    if through:
        url = f"http://127.0.0.1:{port}/metrics"
        command = [*through, sys.executable, "-c", _GET, url]
        got = subprocess.run(command, capture_output=True, text=True, check=False)
        return None if got.returncode else Scrape(got.stdout)
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, HTTPException):
            return None
    return Scrape(text) if response.status == HTTPStatus.OK else None


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
