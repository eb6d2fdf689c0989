"""Debian's Prometheus with the shipped config, scraping a server of the tests very often."""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.live.ports import free_port
from tests.live.running import running
from tests.live.waiting import wait_for

SHIPPED = Path(__file__).parents[2] / "deploy" / "prometheus"
EVERY = "500ms"

Labels = tuple[tuple[str, str], ...]
Vector = dict[Labels, float]


class Refused(Exception):
    """Prometheus does not understand what it was asked."""


@dataclass(frozen=True)
class Prometheus:
    """Its HTTP interface."""

    port: int

    def get(self, path: str, **asked: str) -> Any:  # noqa: ANN401 - as JSON has it
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(asked)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Refused(error.read().decode()) from None

    def vector(self, expression: str, at: float | None = None) -> Vector:
        """What an expression gives at a moment; now, if none is said."""
        asked = {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"})
        data = self.get("query", **asked)
        assert data["resultType"] in ("vector", "scalar"), expression
        if data["resultType"] == "scalar":
            return {(): float(data["result"][1])}
        return {
            tuple(sorted(series["metric"].items())): float(series["value"][1])
            for series in data["result"]
        }

    def value(self, expression: str) -> float | None:
        """What an expression gives that has one value, or none."""
        values = list(self.vector(expression).values())
        assert len(values) <= 1, expression
        return values[0] if values else None


@contextmanager
def prometheus(
    program: Path, directory: Path, *targets: int, at_once: bool = False
) -> Iterator[Prometheus]:
    """Prometheus, as soon as it has scraped the metrics on each of these ports.

    ``at_once``: alerts fire without their time of waiting.
    """
    config = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": EVERY, "evaluation_interval": EVERY}
    for name in config["rule_files"]:
        text = (SHIPPED / name).read_text()
        text = re.sub(r"^( +for:) .*", r"\1 0s", text, flags=re.MULTILINE) if at_once else text
        (directory / name).write_text(text)
    [job] = config["scrape_configs"]
    job["scrape_timeout"] = EVERY
    [site] = job["static_configs"]
    site["targets"] = [f"127.0.0.1:{target}" for target in targets]
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    served = Prometheus(free_port())
    command: list[str | Path] = [
        *(program, f"--config.file={directory}/prometheus.yml", "--log.level=warn"),
        *(f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{served.port}"),
    ]
    with running(command, directory / "log") as process:
        wait_for(
            lambda: _has_scraped(process, served, directory, len(targets)), "Prometheus has scraped"
        )
        yield served


def _has_scraped(
    process: "subprocess.Popen[bytes]", served: Prometheus, directory: Path, targets: int
) -> bool:
    assert process.poll() is None, (directory / "log").read_text()
    try:
        scrapes = served.vector('count_over_time(up{job="darban"}[1m]) and up == 1')
        return len(scrapes) == targets and min(scrapes.values()) >= 2
    except (urllib.error.URLError, Refused, ConnectionError):
        return False
