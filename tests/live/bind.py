"""BIND as a resolver of the agency's own, which transfers Darban's zones for one VLAN."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.clients import ask
from tests.live.programs import needed
from tests.live.running import running
from tests.live.waiting import wait_for

_CONFIG = """
options {{
  directory "{directory}";
  pid-file "{directory}/named.pid";
  session-keyfile "{directory}/session.key";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  forwarders port {upstream} {{ 127.0.0.1; }};
  forward only;
  dnssec-validation no;
  recursion yes;
  allow-transfer {{ none; }};
}};
controls {{ }};
logging {{
  channel log {{ file "{directory}/log"; severity info; }};
  category default {{ log; }};
}};
key {key} {{ algorithm hmac-sha256; secret "{secret}"; }};
view administration {{
  match-clients {{ key {key}; 127.0.10.0/24; }};
  response-policy {{
    {policy}
  }} qname-wait-recurse no break-dnssec yes recursive-only no max-policy-ttl 60;
  {zones}
}};
view publicity {{ match-clients {{ any; }}; }};
"""
_ZONE = """zone "{zone}" {{
    type secondary; file "{zone}"; masterfile-format text;
    primaries {{ 127.0.0.1 port {primary} key {key}; }};
  }};"""


@dataclass(frozen=True)
class Bind:
    """A server that runs."""

    directory: Path
    process: "subprocess.Popen[bytes]"

    @property
    def log(self) -> str:
        """What it has logged so far."""
        path = self.directory / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


@contextmanager
def bind(
    directory: Path, ports: tuple[int, int, int], zones: Sequence[str], key: tuple[str, str]
) -> Iterator[Bind]:
    """Run it with response policy zones for 127.0.10.0/24 and none for other clients.

    ``ports`` are its own, that of its upstream and that of the primary; ``key`` is name and secret.
    """
    port, upstream, primary = ports
    name, key_secret = key
    blocks = [_ZONE.format(zone=zone, primary=primary, key=name) for zone in zones]
    config = directory / "named.conf"
    config.write_text(
        _CONFIG.format(
            directory=directory,
            port=port,
            upstream=upstream,
            key=name,
            secret=key_secret,
            policy=" ".join(f'zone "{zone}" min-update-interval 0;' for zone in zones),
            zones="\n  ".join(blocks),
        ),
        encoding="utf-8",
    )
    command = (needed("named"), "-f", "-n", "1", "-c", config)
    with running(command, directory / "errors") as process:
        server = Bind(directory, process)
        wait_for(lambda: _answers(server, port), "BIND answers")
        yield server


def _answers(server: Bind, port: int) -> bool:
    errors = (server.directory / "errors").read_text(encoding="utf-8", errors="replace")
    assert server.process.poll() is None, f"BIND has ended:\n{errors}{server.log}"
    return ask(port, "ns.scene") is not None
