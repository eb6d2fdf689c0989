"""A router that fetches address lists with deploy/router, and rejects by them."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.live.configs import ROOT
from tests.live.gateway import Gateway

_SCRIPT = ROOT / "deploy/router/darban-fetch"


@dataclass(frozen=True)
class FetchingRouter:
    """The gateway of a network, with the feeds of a server."""

    gateway: Gateway
    curl: Path
    url: str
    """Of the feeds."""
    state: Path
    """Where the script keeps the lists."""

    def status(self, file: str, *more: str) -> str:
        """The HTTP status that a list of telegram has now; 000 where nobody answers."""
        url = f"{self.url}/telegram/{file}"
        form = ("-o", "/dev/null", "-w", "%{http_code}")
        command = [*self._into, str(self.curl), "-s", "-m", "10", *form, *more, url]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def fetch(self, *urls: str) -> subprocess.CompletedProcess[str]:
        """Run the script, with the URL of the feeds where no other is given."""
        command = [*self._into, str(_SCRIPT), *(urls or (self.url,))]
        return self._run(command)

    def load(self) -> None:
        """Run the script as before there is a network."""
        done = self._run([*self._into, str(_SCRIPT)])
        assert done.returncode == 0, done.stderr

    def nft(self, *words: str) -> None:
        """Run a command of nftables."""
        subprocess.run([*self._into, str(self.gateway.nft), *words], check=True)

    @property
    def _into(self) -> list[str]:
        return self.gateway.into(self.gateway.gateway)

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "STATE": str(self.state)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
