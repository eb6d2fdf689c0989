"""The resolvers of the table, each with its defaults, one thread, and stale answers allowed."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.live.running import running
from tests.live.waiting import wait_for
from tests.programs.attacks import wire
from tests.programs.attacks.client_side import ask
from tests.programs.attacks.mixed_servers import CROWD
from tests.programs.attacks.real_server import darban
from tests.programs.networks.network import program

_PORT = 5300
Start = Callable[[list[str]], AbstractContextManager[int]]
"""Start a resolver with these upstream servers: its port."""

_UNBOUND = """
server:
  module-config: "iterator"
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  serve-expired: yes
  username: ""
  chroot: ""
  directory: "{place}"
  pidfile: ""
  use-syslog: no
  logfile: ""
remote-control:
  control-enable: no
forward-zone:
  name: "."
{servers}
"""
_DNSDIST = """
setSecurityPollSuffix("")
setACL({{"127.0.0.0/8"}})
setLocal("127.0.0.1:{port}")
setStaleCacheEntriesTTL(86400)
{servers}
getPool(""):setCache(newPacketCache(100000, {{staleTTL=30}}))
"""
_RECURSOR = """
incoming:
  listen: ["127.0.0.1"]
  port: {port}
  allow_from: ["127.0.0.0/8"]
dnssec:
  validation: "off"
recursor:
  daemon: false
  threads: 1
  socket_dir: "{place}"
  security_poll_suffix: ""
  hint_file: "no"
  forward_zones_recurse:
    - zone: "."
      forwarders: [{servers}]
recordcache:
  serve_stale_extensions: 2880
logging:
  disable_syslog: true
  loglevel: 3
"""


class _Packaged(NamedTuple):
    """A resolver of a Debian package."""

    program: str
    config: str
    """The name of its config file."""
    text: str
    """What stands there, a template."""
    server: str
    """How one of its servers is named there."""
    separator: str
    arguments: tuple[str, ...]

    @contextmanager
    def start(self, servers: list[str]) -> Iterator[int]:
        """Start it; its port."""
        with tempfile.TemporaryDirectory(prefix="darban-networks-") as place:
            named = self.separator.join(self.server.format(*each.split(":")) for each in servers)
            text = self.text.format(port=_PORT, place=place, servers=named)
            config = Path(place) / self.config
            config.write_text(text, encoding="utf-8")
            told = [each.format(config=config, place=place) for each in self.arguments]
            with running([program(self.program), *told], Path(place) / "log"):
                yield _PORT


_PACKAGED = {
    "Unbound": _Packaged(
        *("unbound", "unbound.conf", _UNBOUND, "  forward-addr: {0}@{1}", "\n"),
        ("-d", "-c", "{config}"),
    ),
    "dnsdist": _Packaged(
        *("dnsdist", "dnsdist.conf", _DNSDIST, 'newServer("{0}:{1}")', "\n"),
        ("--supervised", "--disable-syslog", "-C", "{config}"),
    ),
    "Recursor": _Packaged(
        *("pdns_recursor", "recursor.yml", _RECURSOR, '"{0}:{1}"', ", "),
        ("--config-dir={place}",),
    ),
}


@contextmanager
def _darban(servers: list[str]) -> Iterator[int]:
    with darban(servers, more=CROWD) as server:
        yield server.port


RESOLVERS: dict[str, Start] = {
    "Darban": _darban,
    **{name: each.start for name, each in _PACKAGED.items()},
}


@contextmanager
def resolver(start: Start, servers: list[str]) -> Iterator[int]:
    """A resolver that answers: its port."""
    with start(servers) as port:
        packet = wire.question("ready.example")
        wait_for(lambda: _answers(port, packet), "the resolver answers", 20)
        yield port


def _answers(port: int, packet: bytes) -> bool:
    reply = ask(port, packet, seconds=0.5)
    return reply is not None and bool(reply.addresses)
