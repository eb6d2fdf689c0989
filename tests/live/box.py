"""Unbound on the box of ``tests.live.internet``, with the files of deploy/unbound."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.live.clients import Answer, read, run
from tests.live.configs import ROOT, replaced_once
from tests.live.internet import ABROAD, HOME, RESOLVER, Internet, internet, listening
from tests.live.programs import needed
from tests.live.unbound import ALONE

SHIPPED = ROOT / "deploy" / "unbound"
PORT = 5335
_HERE = """
server:
  trust-anchor-file: "{zones}/root.key"
  root-hints: "{zones}/hints"
  username: ""
  chroot: ""
  directory: "{place}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
remote-control:
  control-enable: yes
  control-interface: {place}/control
"""
_RESOLVER = (
    ALONE
    + f"""
server:
  module-config: "iterator"
  interface: {RESOLVER}@53
  access-control: 10.9.0.0/24 allow
  log-queries: yes
stub-zone:
  name: "ir"
  stub-addr: {HOME}
stub-zone:
  name: "."
  stub-addr: {ABROAD}
"""
)
"""A resolver at home that gives signatures, and needs no root for the domain at home."""
RECURSING, FORWARDING = "recursing", "forwarding"


class Box:
    """What runs on the box; Unbound is started anew, with an empty cache, for each test."""

    def __init__(self, net: Internet, place: Path, dig: Path) -> None:
        self.net = net
        self.place = place
        self.copy = place / "root.zone"
        self._dig = dig

    @contextmanager
    def unbound(self, how: str, more: str = "", *, copy: bool = True) -> Iterator[None]:
        """Unbound with the shipped files, without anything in its cache."""
        text = (SHIPPED / "darban-upstream.conf").read_text(encoding="utf-8")
        text += _HERE.format(zones=self.net.place, place=self.place)
        if copy:
            root = (SHIPPED / "darban-root.conf").read_text(encoding="utf-8")
            text += replaced_once(root, "/var/lib/unbound/root.zone", str(self.copy))
        if how == FORWARDING:
            forward = (SHIPPED / "darban-forward.conf").read_text(encoding="utf-8")
            forward = replaced_once(forward, "  forward-addr: 192.0.2.54\n", "")
            text += replaced_once(forward, "192.0.2.53", RESOLVER)
        config = self.place / "unbound.conf"
        config.write_text(text + more, encoding="utf-8")
        command: list[str | Path] = [*self.net.on_box(), needed("unbound"), "-d", "-c", config]
        with listening(command, self.place / "log", PORT):
            yield

    def ask(self, name: str, port: int = PORT) -> Answer:
        """What Unbound, or who has this port, answers within five seconds; AD is wanted."""
        asked = ("-p", str(port), "@127.0.0.1", name, "A", "+adflag", "+tries=1", "+timeout=5")
        return read(run([*self.net.on_box(), self._dig, *asked]))

    def answers(self, name: str, port: int = PORT) -> bool:
        """Whether Unbound, or who has this port, finds a name."""
        try:
            return self.ask(name, port).status == "NOERROR"
        except AssertionError:  # dig had no answer
            return False

    def forget(self) -> None:
        """Have Unbound lose its cache, and all that it knows of servers."""
        command: list[str | Path] = [
            needed("unbound-control"),
            "-c",
            self.place / "unbound.conf",
            "reload",
        ]
        run([*self.net.on_box(), *command])

    def asked_at_home(self) -> list[str]:
        """The names that the resolver at home was asked for."""
        log = (self.place / "resolver.log").read_text(encoding="utf-8")
        return re.findall(r"info: \S+ (\S+)\. \S+ IN$", log, re.MULTILINE)

    def fetch(self, *sources: str) -> "subprocess.CompletedProcess[str]":
        """Run darban-root-zone."""
        environment = {
            **os.environ,
            "ZONE": str(self.copy),
            "ANCHOR": str(self.net.place / "root.key"),
            "UNBOUND": str(self.place / "unbound.conf"),
        }
        command = [*self.net.on_box(), str(SHIPPED / "darban-root-zone"), *sources]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )


@contextmanager
def box(ip: Path, dig: Path, directory: Path) -> Iterator[Box]:
    """The small Internet with a resolver at home; nothing runs on the box yet."""
    zones, place = directory / "zones", directory / "box"
    zones.mkdir()
    place.mkdir()
    (zones / "hints").write_text(f". NS a.root.\na.root. A {ABROAD}\n", encoding="ascii")
    with ExitStack() as stack:
        net = stack.enter_context(internet(ip, zones))
        config = place / "resolver.conf"
        config.write_text(_RESOLVER.format(place=place), encoding="ascii")
        command: list[str | Path] = [
            *net.made.into(net.home),
            needed("unbound"),
            "-d",
            "-c",
            config,
        ]
        stack.enter_context(listening(command, place / "resolver.log", 53))
        yield Box(net, place, dig)
