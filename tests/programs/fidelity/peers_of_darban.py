"""The authority (NSD) and the recursive server (Unbound) that stands before it."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.running import running
from tests.live.unbound import ALONE
from tests.programs.attacks import wire
from tests.programs.attacks.client_side import ask
from tests.programs.fidelity import zone_texts
from tests.programs.fidelity.zone_texts import BROKEN, CHILD, CHILDREN, EXPIRED, SIGNED, UNSIGNED

PROGRAMS = ("nsd", "unbound", "ldns-signzone", "ldns-keygen")
"""What is needed."""

_NSD = """
server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{place}"
  pidfile: "{place}/nsd.pid"
  zonelistfile: "{place}/zone.list"
  xfrdfile: "{place}/xfrd.state"
  xfrdir: "{place}"
  cookie-secret-file: "{place}/cookies"
  rrl-ratelimit: 0
  refuse-any: no
remote-control:
  control-enable: no
"""
_NSD_ZONE = 'zone:\n  name: "{zone}"\n  zonefile: "{file}"\n'

_UNBOUND = (
    ALONE
    + """
server:
  module-config: "validator iterator"
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-ip6: no
  logfile: ""
  ede: yes
  minimal-responses: no
  rrset-roundrobin: no
  qname-minimisation: no
  aggressive-nsec: no
  target-fetch-policy: "0 0 0 0 0"
  trust-anchor-file: "{place}/anchor.key"
"""
)
_STUB = 'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{port}\n'


def _run(place: Path, name: str, *arguments: str) -> str:
    command: list[str | Path] = [needed(name), *arguments]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def _sign(place: Path, zone: str, *options: str) -> str:
    """Sign a zone's file; its DS records."""
    key = _run(place, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone)
    _run(place, "ldns-signzone", *options, "-f", f"{zone}.signed", f"{zone}.zone", key)
    (place / f"{zone}.zone").write_bytes((place / f"{zone}.signed").read_bytes())
    (place / f"{zone}.key").write_bytes((place / f"{key}.key").read_bytes())
    return (place / f"{key}.ds").read_text(encoding="ascii")


def write_zones(place: Path) -> list[str]:
    """Write and sign every zone; their names."""
    day = 86400
    now = int(time.time())
    lasting = ("-i", str(now - day), "-e", str(now + 30 * day))
    options = {
        CHILD: (*lasting, "-n", "-t", "1", "-s", "abcd"),
        BROKEN: lasting,
        EXPIRED: ("-i", str(now - 60 * day), "-e", str(now - 30 * day)),
    }
    for zone, text in {**CHILDREN, **UNSIGNED}.items():
        (place / f"{zone}.zone").write_text(text, encoding="ascii")
    digests = "".join(_sign(place, zone, *options[zone]) for zone in CHILDREN)
    (place / f"{SIGNED}.zone").write_text(zone_texts.parent(digests), encoding="ascii")
    _sign(place, SIGNED, *lasting)
    broken = place / f"{BROKEN}.zone"
    text = broken.read_text(encoding="ascii")
    assert "192.0.2.66" in text
    broken.write_text(text.replace("192.0.2.66", "192.0.2.67"), encoding="ascii")
    (place / "anchor.key").write_bytes((place / f"{SIGNED}.key").read_bytes())
    return [SIGNED, *CHILDREN, *UNSIGNED]


@contextmanager
def _serving(place: Path, name: str, *arguments: str) -> Iterator[None]:
    log = place / f"{name}.log"
    with running([needed(name), *arguments], log) as process:
        time.sleep(0.1)
        assert process.poll() is None, log.read_text(errors="replace")
        yield


def _await(port: int, name: str, log: Path) -> None:
    """Wait until a server has an answer for a name."""
    for _ in range(100):
        reply = ask(port, wire.question(name), "127.0.0.1", seconds=0.3)
        if reply is not None and reply.addresses:
            return
        time.sleep(0.05)
    raise AssertionError(f"no answer for {name}: {log.read_text(errors='replace')}")


@contextmanager
def authority(place: Path) -> Iterator[str]:
    """NSD with all zones; the text of Unbound's config that leads to them."""
    zones, port = write_zones(place), free_port()
    _write(place / "nsd.conf", _NSD.format(port=port, place=place), _nsd_zones(zones))
    with _serving(place, "nsd", "-d", "-c", str(place / "nsd.conf")):
        _await(port, f"www.{SIGNED}", place / "nsd.log")
        yield "".join(_STUB.format(zone=zone, port=port) for zone in zones)


@contextmanager
def unbound(place: Path, port: int, config: str) -> Iterator[None]:
    """Unbound, which resolves the zones and answers on this port."""
    _write(place / "unbound.conf", config)
    with _serving(place, "unbound", "-d", "-c", str(place / "unbound.conf")):
        _await(port, f"www.{SIGNED}", place / "unbound.log")
        yield


@contextmanager
def recursive(place: Path) -> Iterator[int]:
    """Unbound before NSD; Unbound's port."""
    port = free_port()
    with (
        authority(place) as stubs,
        unbound(place, port, _UNBOUND.format(port=port, place=place) + stubs),
    ):
        yield port


def _nsd_zones(zones: Sequence[str]) -> str:
    return "".join(_NSD_ZONE.format(zone=zone, file=f"{zone}.zone") for zone in zones)


def _write(path: Path, *texts: str) -> None:
    path.write_text("".join(texts), encoding="utf-8")
