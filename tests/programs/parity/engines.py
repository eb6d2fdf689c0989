"""The engines of the matrix: real processes, with the configs that ``darban export`` writes."""

import re
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from resolver.publish.enforcers import Enforcer
from resolver.supervisor import control_client
from tests.live.clients import ask
from tests.live.commands import GOOD, darban
from tests.live.knot import Knot
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.server import Server
from tests.live.waiting import wait_for
from tests.programs.parity.policy_under_test import VLANS


@dataclass(frozen=True)
class Site:
    """Where the policy comes from."""

    server: Server
    knot: Knot
    upstream: int
    """The port of the upstream."""
    secret: str
    """Of the TSIG key "site"."""

    @property
    def zones(self) -> Path:
        """The directory of the zones that Darban writes."""
        return self.server.state / "zones"

    @property
    def serials(self) -> Mapping[str, str]:
        """The serial of each zone that Darban has written."""
        lines = (self.zones / "serials").read_text(encoding="utf-8").splitlines()
        return {zone: serial for zone, _, serial in (line.partition(" ") for line in lines)}

    def export(self, *program: str | Path) -> str:
        """What ``darban export`` prints."""
        done = darban("export", *program, at=self.server.directory)
        assert done.code == GOOD, done.err
        return done.out


class Engine(ABC):
    """A resolver that enforces the policy."""

    target: ClassVar[Enforcer | None] = None
    ports: Mapping[str, int]
    """Where the clients of each VLAN ask, at the loopback addresses of both families."""

    def __init__(self, site: Site, directory: Path) -> None:
        self.site = site
        self.directory = directory
        directory.mkdir()

    @abstractmethod
    def run(self) -> AbstractContextManager[None]:
        """The processes, from the moment at which they answer."""

    @abstractmethod
    def flush(self) -> None:
        """Empty the caches."""

    @abstractmethod
    def take(self) -> None:
        """Take the zones that Darban has written anew, as the units of systemd would."""


class Secondary(Engine):
    """A resolver that enforces the policy by the zones."""

    @abstractmethod
    def cut_off(self) -> None:
        """Have its config name a primary that is not there, before it runs."""

    @abstractmethod
    def zone_files(self) -> Iterable[Path]:
        """The files of its zones that it has been given or has written."""

    def has_zones(self) -> bool:
        """Whether it has all zones as Darban has written them last."""
        written = {f"{serial}.zone" for serial in self.site.serials}
        return written <= {file.name for file in self.zone_files()}


class Darban(Engine):
    """Darban itself: it must answer the same, warm and cold."""

    def __init__(self, site: Site, directory: Path) -> None:
        super().__init__(site, directory)
        self.ports = dict.fromkeys(VLANS, site.server.port)

    @contextmanager
    def run(self) -> Iterator[None]:
        yield

    def flush(self) -> None:
        """As ``darban flush --all`` does it, without a process for each of some hundred times."""
        answer = control_client.ask(self.site.server.config, {"command": "flush", "name": "."})
        assert "error" not in answer, answer

    def take(self) -> None:
        """It has the policy already."""


_NAMED = """
options {{
  directory "{directory}";
  pid-file none;
  session-keyfile none;
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 port {port} {{ ::1; }};
  forwarders port {upstream} {{ 127.0.0.1; }};
  forward only;
  dnssec-validation no;
  allow-transfer {{ none; }};
}};
key rndc {{ algorithm hmac-sha256; secret "{secret}"; }};
controls {{ inet 127.0.0.1 port {control} allow {{ 127.0.0.1; }} keys {{ rndc; }}; }};
logging {{
  channel log {{ file "{directory}/log"; severity info; print-severity yes; }};
  category default {{ log; }};
}};
include "{directory}/darban-views.conf";
"""


class Bind(Secondary):
    """BIND with a view for each VLAN, which transfers the zones from Knot."""

    target = Enforcer.BIND

    def __init__(self, site: Site, directory: Path) -> None:
        super().__init__(site, directory)
        port, self._control = free_port(), free_port()
        self.ports = dict.fromkeys(VLANS, port)
        secret = site.secret
        keys = f'key "site" {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
        (directory / "keys.conf").write_text(keys)
        (directory / "rndc.conf").write_text(
            f'key rndc {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
        )
        site.export(self.target, "--to", directory)
        views = directory / "darban-views.conf"
        text = views.read_text().replace("/etc/bind/darban-keys.conf", f"{directory}/keys.conf")
        views.write_text(text)
        (directory / "named.conf").write_text(
            _NAMED.format(
                directory=directory,
                port=port,
                control=self._control,
                upstream=site.upstream,
                secret=secret,
            )
        )

    def cut_off(self) -> None:
        views = self.directory / "darban-views.conf"
        text = views.read_text(encoding="utf-8")
        away = f"primaries {{ 127.0.0.1 port {free_port()} key"
        views.write_text(re.sub(r"primaries \{ \S+ port [0-9]+ key", away, text), encoding="utf-8")

    def zone_files(self) -> Iterable[Path]:
        return self.directory.glob("*.rpz.internal@*")

    def has_zones(self) -> bool:
        """Whether each view has them."""
        for file in self.zone_files():
            zone, _, view = file.name.partition("@")
            status = self._rndc("zonestatus", zone, "IN", view)
            if f"\nserial: {self.site.serials[zone]}\n" not in status:
                return False
        return True

    @contextmanager
    def run(self) -> Iterator[None]:
        config = self.directory / "named.conf"
        seeds = ("sh", self.directory / "darban-seeds.sh", self.directory, "root")
        subprocess.run(seeds, check=True, capture_output=True, timeout=30)
        with running(self.directory, [needed("named"), "-f", "-n", "1", "-c", config]) as runs:
            wait_for(lambda: runs() and _answers(self.ports["administration"]), "it answers", 30)
            yield

    def flush(self) -> None:
        self._rndc("flush")

    def take(self) -> None:
        self.site.knot.control("zone-reload")
        for zone in self.site.zones.glob("*.zone"):
            for view in VLANS:
                self._rndc("refresh", zone.stem, "IN", view, check=False)

    def _rndc(self, *words: str, check: bool = True) -> str:
        keys = self.directory / "rndc.conf"
        command: list[str | Path] = [needed("rndc"), "-k", keys, "-p", str(self._control)]
        return subprocess.run(
            [*command, *words], check=check, capture_output=True, text=True, timeout=30
        ).stdout


_UNBOUND = """
server:
    interface: 127.0.0.1@{port}
    interface: ::1@{port}
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: ""
    use-syslog: no
    do-not-query-localhost: no
    qname-minimisation: no
    access-control: 127.0.0.1/32 allow
remote-control:
    control-enable: yes
    control-interface: {directory}/{policy}.control
    control-use-cert: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{upstream}
include: "{directory}/darban-{policy}.conf"
"""


INSTANCES = {**VLANS, "desk": "administrative+desk"}
"""The instance of Unbound for each VLAN."""


class Unbound(Secondary):
    """Unbound: an instance for each policy, which reads the zone files."""

    target = Enforcer.UNBOUND

    def __init__(self, site: Site, directory: Path) -> None:
        super().__init__(site, directory)
        site.export(self.target, "--to", directory)
        ports = {policy: free_port() for policy in {*INSTANCES.values()}}
        self.ports = {vlan: ports[name] for vlan, name in INSTANCES.items()}
        for policy, port in ports.items():
            (directory / f"{policy}.conf").write_text(
                _UNBOUND.format(
                    port=port, directory=directory, policy=policy, upstream=site.upstream
                )
            )

    def cut_off(self) -> None:
        shutil.copytree(self.site.zones, self.directory / "zones")
        for config in self.directory.glob("darban-*.conf"):
            text = config.read_text(encoding="utf-8")
            own = text.replace(str(self.site.zones), f"{self.directory}/zones")
            config.write_text(own, encoding="utf-8")

    def zone_files(self) -> Iterable[Path]:
        return (self.directory / "zones").glob("*.zone")

    @contextmanager
    def run(self) -> Iterator[None]:
        program = needed("unbound")
        commands: list[list[str | Path]] = [
            [program, "-d", "-c", self.directory / f"{instance}.conf"]
            for instance in {*INSTANCES.values()}
        ]
        with running(self.directory, *commands):
            for port in self.ports.values():
                wait_for(lambda port=port: ask(port, "ns.scene"), "Unbound answers", 30)
            yield

    def flush(self) -> None:
        for instance in {*INSTANCES.values()}:
            self._control(instance, "flush_zone", ".")

    def take(self) -> None:
        for vlan, instance in INSTANCES.items():
            zones = [f"{vlan}.vlan.rpz.internal", f"{VLANS[vlan]}.policy.rpz.internal"]
            for zone in zones:
                if (self.site.zones / f"{zone}.zone").exists():
                    self._control(instance, "auth_zone_reload", zone)

    def _control(self, instance: str, *words: str) -> None:
        config = self.directory / f"{instance}.conf"
        command: list[str | Path] = [needed("unbound-control"), "-c", config, *words]
        subprocess.run(command, check=True, capture_output=True, timeout=30)


_RECURSOR = """
incoming:
  listen: [127.0.0.1, '::1']
  port: {port}
dnssec:
  validation: process-no-validate
outgoing:
  dont_query: []
recursor:
  threads: 1
  socket_dir: .
  include_dir: {directory}/recursor.d
  security_poll_suffix: ''
  forward_zones_recurse:
  - zone: "."
    forwarders: ["127.0.0.1:{upstream}"]
"""


class Recursor(Secondary):
    """The Recursor of PowerDNS, which transfers the zones from Knot."""

    target = Enforcer.RECURSOR

    def __init__(self, site: Site, directory: Path) -> None:
        super().__init__(site, directory)
        site.export(self.target, "--to", directory)
        (directory / "kept").mkdir()
        (directory / "darban-key.lua").write_text(f'return "site", "{site.secret}"\n')
        for name in ("recursor.d/darban.yml", "darban-zones.lua"):
            text = (directory / name).read_text().replace("/etc/powerdns", str(directory))
            text = text.replace("/var/lib/darban-recursor", f"{directory}/kept")
            (directory / name).write_text(text.replace("refresh = 60", "refresh = 1"))
        port = free_port()
        self.ports = dict.fromkeys(VLANS, port)
        (directory / "recursor.conf").write_text(
            _RECURSOR.format(port=port, directory=directory, upstream=site.upstream)
        )

    def cut_off(self) -> None:
        zones = self.directory / "darban-zones.lua"
        text = zones.read_text(encoding="utf-8")
        away = f'local primaries = {{ "127.0.0.1:{free_port()}" }}'
        zones.write_text(re.sub(r"local primaries = .*", away, text), encoding="utf-8")

    def zone_files(self) -> Iterable[Path]:
        return (self.directory / "kept").glob("*.zone")

    @contextmanager
    def run(self) -> Iterator[None]:
        command = [str(needed("pdns_recursor")), f"--config-dir={self.directory}"]
        with running(self.directory, command) as runs:
            wait_for(lambda: runs() and _answers(self.ports["administration"]), "it answers", 30)
            yield

    def flush(self) -> None:
        self._control("wipe-cache", ".$")

    def take(self) -> None:
        self.site.knot.control("zone-reload")

    def _control(self, *words: str) -> None:
        command = [str(needed("rec_control")), "--socket-dir=.", *words]  # a socket's path is short
        subprocess.run(command, check=True, capture_output=True, timeout=30, cwd=self.directory)


@contextmanager
def running(directory: Path, *commands: Sequence[str | Path]) -> Iterator[Callable[[], bool]]:
    """Processes in a directory; a failure shows their output.

    It gives a function that is to be called while they run: it fails where one has ended.
    """
    processes: list[subprocess.Popen[bytes]] = []

    def run() -> bool:
        assert all(process.poll() is None for process in processes), "it has ended"
        return True

    try:
        for number, command in enumerate(commands):
            with (directory / f"output-{number}").open("ab") as out:
                process = subprocess.Popen(
                    command, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out
                )
                processes.append(process)
        yield run
    except AssertionError as error:
        for output in directory.glob("output-*"):
            error.add_note(output.read_text(encoding="utf-8", errors="replace"))
        raise
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)


def _answers(port: int) -> bool:
    answer = ask(port, "ns.scene", client="127.0.10.5")
    return answer is not None and bool(answer.rr)
