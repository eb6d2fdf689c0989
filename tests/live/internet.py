"""A small Internet in network namespaces: a root, domains at home and abroad, a link to cut.

``box`` is the host under test. ``home`` has the servers of ``ir`` and a resolver, ``abroad`` those
of the root and of ``com``. A cut link drops all that comes to ``abroad``, and says nothing.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.clients import run
from tests.live.namespaces import Namespaces, namespaces
from tests.live.ports import listens
from tests.live.programs import needed
from tests.live.running import running
from tests.live.waiting import wait_for

BOX, HOME, ABROAD, RESOLVER = "10.9.0.1", "10.9.0.2", "10.9.0.3", "10.9.0.4"
"""Addresses; the last is that of the resolver at home."""
PROGRAMS = ("nsd", "unbound", "ldns-signzone", "ldns-keygen", "nft", "dig")
"""What is needed."""
SIGNED, UNSIGNED, FOREIGN = "signed.ir", "unsigned.ir", "example.com"
"""Zones, each with a record for any name below it; the first and the last have signatures."""
SERIAL = 2026113000
"""The serial of the root zone, unless it is another."""
_DAY = 86400

_NSD = """
server:
  ip-address: {address}
  username: ""
  chroot: ""
  zonesdir: "{place}"
  pidfile: ""
  zonelistfile: "{place}/{name}.list"
  xfrdfile: "{place}/{name}.state"
  xfrdir: "{place}"
  cookie-secret-file: "{place}/cookies"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""
_NSD_ZONE = """
zone:
  name: "{zone}"
  zonefile: "{file}"
  provide-xfr: 10.9.0.0/24 NOKEY
"""
_HEAD = """\
$TTL 600
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A {address}
"""
_DROP = """
table inet cut {{
  chain arriving {{ type filter hook input priority filter; policy accept; {rule} drop; }}
}}
"""


@dataclass(frozen=True)
class Internet:
    """The namespaces while they run."""

    made: Namespaces
    box: str
    home: str
    abroad: str
    place: Path
    """Where the zones are: root.zone, and root.key, the trust anchor."""

    def on_box(self) -> list[str]:
        """The command that runs what follows it on the box."""
        return self.made.into(self.box)

    def cut(self) -> None:
        """Cut the link abroad."""
        self._nft(self.abroad, "-f", "-", text=_DROP.format(rule="meta iif != lo"))

    def mend(self) -> None:
        """Have the link back, or a good one."""
        self._nft(self.abroad, "delete", "table", "inet", "cut")

    def lose(self, percent: int) -> None:
        """Lose a part of all that comes to the servers abroad."""
        rule = f"numgen random mod 100 < {percent}"
        self._nft(self.abroad, "-f", "-", text=_DROP.format(rule=rule))

    def silence_home(self) -> None:
        """Drop all that comes to the servers at home; the resolver there gets it."""
        rule = f"ip daddr {HOME} ip saddr {BOX}"
        self._nft(self.home, "-f", "-", text=_DROP.format(rule=rule))

    def _nft(self, namespace: str, *arguments: str, text: str = "") -> None:
        command = [*self.made.into(namespace), str(needed("nft")), *arguments]
        subprocess.run(command, input=text, text=True, check=True)


@contextmanager
def internet(ip: Path, place: Path) -> Iterator[Internet]:
    """Run it; the link is there."""
    for program in PROGRAMS:
        needed(program)
    write_zones(place)
    with namespaces(ip) as made, ExitStack() as stack:
        switch = made.add_switch("switch")
        found = [made.add(name) for name in ("box", "home", "abroad")]
        for name, addresses in zip(found, ((BOX,), (HOME, RESOLVER), (ABROAD,)), strict=True):
            made.plug(switch, name, "eth0", *(f"{address}/24" for address in addresses))
        box, home, abroad = found
        at_home = ("ir", SIGNED, UNSIGNED)
        stack.enter_context(_nsd(made.into(home), place, "home", HOME, at_home))
        stack.enter_context(_nsd(made.into(abroad), place, "abroad", ABROAD, (".", "com", FOREIGN)))
        yield Internet(made, box, home, abroad, place)


def write_zones(place: Path) -> None:
    """Write the zones, those that have signatures signed up to the root."""
    for zone, address in ((SIGNED, HOME), (UNSIGNED, HOME), (FOREIGN, ABROAD)):
        _write(place, zone, _HEAD.format(address=address) + "* IN A 192.0.2.80\n")
    for zone, child, address in (("ir", SIGNED, HOME), ("com", FOREIGN, ABROAD)):
        text = _HEAD.format(address=address) + _delegation(child, address) + _sign(place, child)
        if zone == "ir":
            text += _delegation(UNSIGNED, address)
        _write(place, zone, text)
    digests = _sign(place, "ir") + _sign(place, "com")
    _write(place, "root", "\n" + digests)
    (place / "digests").write_text(digests, encoding="ascii")
    write_root(place)


def write_root(place: Path, serial: int = SERIAL, ended: int = 0) -> None:
    """Write the root zone anew, signed by the same key; its signatures ended some days ago."""
    text = f"$TTL {_DAY}\n. IN SOA a.root. hostmaster.root. {serial} 1800 900 1 {_DAY}\n"
    text += f". IN NS a.root.\na.root. IN A {ABROAD}\n"
    text += _delegation("ir", HOME) + _delegation("com", ABROAD)
    text += (place / "digests").read_text(encoding="ascii")
    _write(place, "root", text)
    _sign(place, ".", ended)


def _delegation(zone: str, address: str) -> str:
    return f"{zone}. IN NS ns.{zone}.\nns.{zone}. IN A {address}\n"


def _write(place: Path, zone: str, text: str) -> None:
    origin = "" if zone == "root" else f"$ORIGIN {zone}.\n"
    (place / f"{zone}.zone").write_text(origin + text, encoding="ascii")


def _sign(place: Path, zone: str, ended: int = 0) -> str:
    """Sign a zone in its file; its DS records. The key is made where there is none."""
    name = zone if zone != "." else "root"
    kept = place / f"{name}.key-name"
    if not kept.exists():
        made = run([needed("ldns-keygen"), "-a", "ECDSAP256SHA256", "-k", zone], place).strip()
        kept.write_text(made, encoding="ascii")
    key = kept.read_text(encoding="ascii")
    now = int(time.time())
    until = now - ended * _DAY if ended else now + 13 * _DAY
    run(
        [
            *(needed("ldns-signzone"), "-z", "simple:sha384", "-o", zone),
            *("-i", str(until - 14 * _DAY), "-e", str(until), "-f", f"{name}.signed"),
            *(f"{name}.zone", key),
        ],
        place,
    )
    (place / f"{name}.signed").replace(place / f"{name}.zone")
    (place / f"{name}.key").write_bytes((place / f"{key}.key").read_bytes())
    return (place / f"{key}.ds").read_text(encoding="ascii")


@contextmanager
def _nsd(
    into: Sequence[str], place: Path, name: str, address: str, zones: Sequence[str]
) -> Iterator[None]:
    config = place / f"nsd-{name}.conf"
    files = {zone: f"{'root' if zone == '.' else zone}.zone" for zone in zones}
    parts = [_NSD_ZONE.format(zone=zone, file=file) for zone, file in files.items()]
    text = _NSD.format(address=address, place=place, name=name) + "".join(parts)
    config.write_text(text, encoding="ascii")
    with listening([*into, needed("nsd"), "-d", "-c", config], place / f"nsd-{name}.log", 53):
        yield


@contextmanager
def listening(
    command: Sequence[str | Path], log: Path, port: int
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program while it runs, once it listens on a port."""
    with running(command, log) as process:
        wait_for(lambda: _listens(process, log, port), f"{command} listens")
        yield process


def _listens(process: "subprocess.Popen[bytes]", log: Path, port: int) -> bool:
    assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
    return listens(process.pid, port)
