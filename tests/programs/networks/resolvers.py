"""The resolvers of the table, each with its defaults, one thread, and stale answers allowed."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.live.running import running
from tests.live.waiting import wait_for
from tests.programs.attacks import wire
from tests.programs.attacks.client_side import ask
from tests.programs.attacks.fake_upstream import TLS_PORT
from tests.programs.attacks.mixed_servers import CROWD
from tests.programs.attacks.real_server import darban
from tests.programs.networks.network import PORT, program

_PORT = 5300
TLS_NAME = "dns.upstream.example"
"""The name of the upstreams' certificate."""


class Upstreams(NamedTuple):
    """The servers that a resolver is to ask."""

    addresses: Sequence[str]
    authority: Path | None
    """The authority of their certificates, where they are asked over TLS."""

    @property
    def port(self) -> int:
        """Where they are asked."""
        return PORT if self.authority is None else TLS_PORT


Start = Callable[[Upstreams], AbstractContextManager[int]]
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
{tls}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-tls-upstream: {over_tls}
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
_BIND = """
{tls}
options {{
  directory "{place}";
  pid-file "{place}/named.pid";
  session-keyfile "{place}/session.key";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  forward only;
  forwarders {{ {servers} }};
  dnssec-validation no;
  recursion yes;
  stale-answer-enable yes;
}};
controls {{ }};
"""
_RECURSOR = """
incoming:
  listen: ["127.0.0.1"]
  port: {port}
  allow_from: ["127.0.0.0/8"]
outgoing:
  dot_to_port_853: true
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
_KNOT = """
net.listen("127.0.0.1", {port}, {{ kind = "dns" }})
trust_anchors.remove(".")
modules.load("serve_stale < cache")
policy.add(policy.all(policy.{tls}FORWARD({{{servers}}})))
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
    server_over_tls: str
    separator: str
    arguments: tuple[str, ...]
    tls: str = ""
    """What else TLS needs there."""

    @contextmanager
    def start(self, upstreams: Upstreams) -> Iterator[int]:
        """Start it; its port."""
        with tempfile.TemporaryDirectory(prefix="darban-networks-") as place:
            over_tls, values = upstreams.authority is not None, {"ca": upstreams.authority}
            server = self.server_over_tls if over_tls else self.server
            named = self.separator.join(
                server.format(address, upstreams.port, name=TLS_NAME, **values)
                for address in upstreams.addresses
            )
            tls = self.tls.format(name=TLS_NAME, **values) if over_tls else ""
            text = self.text.format(
                port=_PORT,
                place=place,
                servers=named,
                tls=tls,
                over_tls="yes" if over_tls else "no",
            )
            config = Path(place) / self.config
            config.write_text(text, encoding="utf-8")
            told = [argument.format(config=config, place=place) for argument in self.arguments]
            with running([program(self.program), *told], Path(place) / "log"):
                yield _PORT


_PACKAGED = {
    "Unbound": _Packaged(
        *("unbound", "unbound.conf", _UNBOUND, "  forward-addr: {0}@{1}"),
        *("  forward-addr: {0}@{1}#{name}", "\n"),
        ("-d", "-c", "{config}"),
        '  tls-cert-bundle: "{ca}"',
    ),
    "dnsdist": _Packaged(
        *("dnsdist", "dnsdist.conf", _DNSDIST, 'newServer("{0}:{1}")'),
        'newServer({{address="{0}:{1}", tls="openssl", subjectName="{name}", caStore="{ca}"}})',
        "\n",
        ("--supervised", "--disable-syslog", "-C", "{config}"),
    ),
    "BIND": _Packaged(
        *("named", "named.conf", _BIND, "{0} port {1};", "{0} port {1} tls upstream;", " "),
        ("-f", "-n", "1", "-c", "{config}"),
        'tls upstream {{ ca-file "{ca}"; remote-hostname "{name}"; }};',
    ),
    "Recursor": _Packaged(
        *("pdns_recursor", "recursor.yml", _RECURSOR, '"{0}:{1}"', '"{0}:{1}"', ", "),
        ("--config-dir={place}",),
    ),
    "Knot": _Packaged(
        *("kresd", "kresd.conf", _KNOT, '"{0}@{1}"'),
        *('{{"{0}@{1}", hostname="{name}", ca_file="{ca}"}}', ", "),
        ("--noninteractive", "--config={config}", "{place}"),
        "TLS_",
    ),
}


@contextmanager
def _darban(upstreams: Upstreams) -> Iterator[int]:
    servers, authority = [f"{address}:{upstreams.port}" for address in upstreams.addresses], ""
    if upstreams.authority is not None:
        servers = [f"tls://{TLS_NAME}@{text}" for text in servers]
        authority = f'ca_file = "{upstreams.authority}"\n'
    with darban(servers, more=CROWD, upstream=authority) as server:
        yield server.port


RESOLVERS: dict[str, Start] = {
    "Darban": _darban,
    **{name: packaged.start for name, packaged in _PACKAGED.items()},
}


@contextmanager
def resolver(start: Start, upstreams: Upstreams) -> Iterator[int]:
    """A resolver that answers: its port."""
    with start(upstreams) as port:
        packet = wire.question("ready.example")
        wait_for(lambda: _answers(port, packet), "the resolver answers", 20)
        yield port


def _answers(port: int, packet: bytes) -> bool:
    reply = ask(port, packet, seconds=0.5)
    return reply is not None and bool(reply.addresses)
