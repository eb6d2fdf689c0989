"""Debian's blackbox_exporter with the modules of deploy/sites, for clients of the tests."""

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.alerting import SITES
from tests.live.configs import replaced_once
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.running import running
from tests.live.waiting import wait_for


@dataclass(frozen=True)
class Prober:
    """It runs."""

    port: int

    def probe(self, server: str, module: str) -> bool:
        """Whether a resolver, with its port, answers as a module says."""
        return "\nprobe_success 1\n" in self._get(f"probe?target={server}&module={module}")

    def answers(self) -> bool:
        """Whether it runs already."""
        try:
            return "Healthy" in self._get("-/healthy")
        except (urllib.error.URLError, ConnectionError):
            return False

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=20) as answer:
            return str(answer.read(), encoding="utf-8")


@contextmanager
def prober(directory: Path, sources: Mapping[str, str]) -> Iterator[Prober]:
    """The prober; ``sources`` has the address of a test in the place of each of the config."""
    text = (SITES / "blackbox.yml").read_text(encoding="utf-8")
    for shipped, own in sources.items():
        text = replaced_once(text, shipped, own)
    config = directory / "blackbox.yml"
    config.write_text(text, encoding="utf-8")
    served = Prober(free_port())
    command: list[str | Path] = [
        *(needed("prometheus-blackbox-exporter"), f"--config.file={config}"),
        f"--web.listen-address=127.0.0.1:{served.port}",
    ]
    with running(command, directory / "blackbox.log"):
        wait_for(served.answers, "the prober runs")
        yield served
