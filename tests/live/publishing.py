"""A server that publishes zones, the Knot that serves them, and the BIND that enforces them."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from resolver.publish.zone_text import serial_of
from tests.live.bind import Bind, bind
from tests.live.clients import ask
from tests.live.commands import GOOD, darban
from tests.live.configs import shipped
from tests.live.knot import Knot, at_home, knot, new_key, secret
from tests.live.ports import free_port
from tests.live.server import Server
from tests.live.waiting import wait_for

BLOCKS = "administrative.policy.rpz.internal"
OVERRIDES = "administration.vlan.rpz.internal"
ADMINISTRATION, PUBLICITY = "127.0.10.5", "127.0.20.5"


@dataclass(frozen=True)
class Site:
    """A server of Darban and the Knot that serves its zones."""

    server: Server
    knot: Knot
    port: int
    """Knot's."""
    secondary: int
    """The port of the secondary."""
    key: str
    first: dict[str, list[str]] = field(default_factory=dict)
    """The records of the first config."""

    def status(self) -> dict[str, object]:
        """What the status says of the zones."""
        done = darban("status", "--json", at=self.server.directory)
        assert done.code == GOOD, done.err
        published = done.json["publish"]
        assert isinstance(published, dict)
        return published

    def zone(self, name: str) -> Path:
        """The file of a zone."""
        return self.server.directory / ".darban/zones" / f"{name}.zone"

    def records(self) -> dict[str, list[str]]:
        """The lines that are written, but for serials and checksums, by the zones' files."""
        files = (self.server.directory / ".darban/zones").glob("*.zone")
        texts = {path.name: path.read_text(encoding="utf-8") for path in files}
        return {
            name: [line for line in text.splitlines()[:-1] if " SOA " not in line]
            for name, text in texts.items()
        }

    def is_written(self) -> bool:
        """Whether no zone is newer than ``serials``, the file that is replaced last."""
        directory = self.server.directory / ".darban/zones"
        serials = (directory / "serials").read_text(encoding="utf-8").splitlines()
        return all(
            serial_of((directory / f"{zone}.zone").read_bytes()) == int(serial)
            for zone, serial in (line.split() for line in serials)
        )

    def is_served(self) -> bool:
        """Whether Knot serves all zones as they were written."""
        zones = self.status()["zones"]
        assert isinstance(zones, list)
        return bool(zones) and all(zone["written"] == zone["served"] for zone in zones)

    def address(self, client: str, name: str = "web.telegram.org") -> str:
        """What the secondary answers."""
        return _address(self.secondary, client, name)

    def own_address(self, client: str, name: str = "web.telegram.org") -> str:
        """What the server answers."""
        return _address(self.server.port, client, name)


def _address(port: int, client: str, name: str) -> str:
    answer = ask(port, name, client=client)
    return str(answer.rr[-1].rdata) if answer is not None and answer.rr else ""


def publishing(make: Callable[[str], Server], upstream: str) -> Server:
    """A server that publishes zones for one secondary; not started."""
    primary, secondary = free_port(), free_port()
    text = shipped([upstream], workers=1) + (
        f'[publish]\nlisten = ["127.0.0.1:{primary}"]\n'
        f'[publish.secondaries.tehran]\naddress = "127.0.0.1:{secondary}"\n'
    )
    return make(text)


@contextmanager
def serving(server: Server, directory: Path) -> Iterator[Site]:
    """Knot, with the zones of a server that runs."""
    exported = darban("export", "knot", at=server.directory)
    assert exported.code == GOOD, exported.err
    primary, secondary = (int(port) for port in re.findall(r"127\.0\.0\.1@([0-9]+)", exported.out))
    key = new_key("tehran")
    wait_for(lambda: (server.directory / ".darban/zones/serials").exists(), "the zones are written")
    with knot(directory, at_home(exported.out, directory, [key])) as running:
        site = Site(server, running, primary, secondary, secret(key))
        site.first.update(site.records())
        yield site


def enforcing(site: Site, upstream: str, directory: Path) -> AbstractContextManager[Bind]:
    """BIND, which enforces the policy of administration alone."""
    ports = (site.secondary, int(upstream.rpartition(":")[2]), site.port)
    return bind(directory, ports, [OVERRIDES, BLOCKS], ("tehran", site.key))
