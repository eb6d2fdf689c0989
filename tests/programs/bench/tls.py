"""``python -m tests.programs.bench.tls``: what DNS over TLS costs, beside Unbound and dnsdist.

Each server has one worker or thread on a core of its own, and one certificate (P-256). dnsdist is
in front of Darban, whose CPU time is counted with dnsdist's. Queries come from dnsperf, over
connections that stay open; connections from this program, each with one query. Each run is a line;
the medians of the runs are last.
"""

import argparse
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

from tests.live.configs import small
from tests.live.dnsdist import NAME, certificate
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.unbound import ALONE
from tests.live.waiting import wait_for
from tests.programs.bench.processes import cpu, family, memory, start

_QUERY = bytes.fromhex("000101000001000000000000096c6f63616c686f73740000010001")
_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CONTEXT.check_hostname, _CONTEXT.verify_mode = False, ssl.CERT_NONE
_CONNECTIONS = 20
_IDLE = 400
"""Connections that are held at once. Of more than 500, Darban closes those that idle a second."""

_UNBOUND = (
    ALONE
    + """\
server:
  interface: 127.0.0.1@{port}
  tls-port: {port}
  tls-service-pem: "{place}/dns.pem"
  tls-service-key: "{place}/dns.key"
  access-control: 127.0.0.0/8 allow
  incoming-num-tcp: 1000
  outgoing-num-tcp: 1
  module-config: "iterator"
  local-data: "localhost. A 127.0.0.1"
"""
)
_DNSDIST = """\
setSecurityPollSuffix("")
setACL({{"127.0.0.0/8"}})
setMaxTCPClientThreads(1)
setLocal("127.0.0.1:{plain}")
addTLSLocal("127.0.0.1:{port}", "{place}/dns.pem", "{place}/dns.key", {{tcpFastOpenQueueSize=0}})
newServer({{address="127.0.0.1:{node}", useProxyProtocol=true}})
"""


class _Server:
    """A server that is measured, and its port of DNS over TLS."""

    def __init__(self, name: str, port: int, pids: list[int]) -> None:
        self.name = name
        self.port = port
        self._pids = pids

    def cpu(self) -> float:
        return cpu(self._pids).total

    def memory(self) -> int:
        return memory(self._pids)

    def connect(self) -> ssl.SSLSocket:
        made = _CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 5))
        made.sendall(len(_QUERY).to_bytes(2) + _QUERY)
        assert made.recv(4096)[2:4] == _QUERY[:2]
        return made


def _started(stack: ExitStack, place: Path, core: int) -> list[_Server]:
    darban_port, unbound_port, dnsdist_port, proxied, plain = (free_port() for _ in range(5))
    certificate(needed("openssl"), place)
    more = f'[server.tls]\nlisten = ["127.0.0.1:{darban_port}"]\n'
    more += 'certificate = "dns.pem"\nkey = "dns.key"\n'
    more += f'[server.proxy]\nlisten = ["127.0.0.1:{proxied}"]\nfrom = ["127.0.0.1/32"]\n'
    more += "[limits]\nqueries_per_address = 1000000\nqueries_per_prefix = 1000000\n"
    (place / "config.toml").write_text(small(["127.0.0.1:9"], more=more))
    (place / "unbound.conf").write_text(_UNBOUND.format(port=unbound_port, place=place))
    (place / "dnsdist.conf").write_text(
        _DNSDIST.format(port=dnsdist_port, plain=plain, node=proxied, place=place)
    )
    darban = [str(Path(sys.executable).with_name("darban")), "run"]
    commands = {
        "darban": [*darban, "--config", str(place / "config.toml")],
        "unbound": [str(needed("unbound")), "-d", "-c", str(place / "unbound.conf")],
        "dnsdist": [str(needed("dnsdist")), "--supervised", "-C", str(place / "dnsdist.conf")],
    }
    pids = {
        name: start(stack, core, command, place / f"{name}.log").pid
        for name, command in commands.items()
    }
    for port in (darban_port, unbound_port, dnsdist_port):
        wait_for(lambda port=port: _listens(port), "it listens", 30)
    answered = _Server("Darban", darban_port, [])
    wait_for(lambda: _answers(answered), "its worker answers", 30)  # before, there may be none
    own = [pid for pid in family(pids["darban"]) if _is_worker(pid)]
    return [
        _Server("Darban", darban_port, own),
        _Server("Unbound", unbound_port, family(pids["unbound"])),
        _Server("dnsdist and Darban", dnsdist_port, [*family(pids["dnsdist"]), *own]),
    ]


def _listens(port: int) -> bool:
    with closing(socket.socket()) as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def _answers(server: _Server) -> bool:
    try:
        server.connect().close()
    except OSError:
        return False
    return True


def _is_worker(pid: int) -> bool:
    return b"resolver.server.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()


def _per_query(server: _Server, questions: Path, rate: int, seconds: int, padded: bool) -> float:
    """Microseconds of CPU."""
    options = ["-E", "12:" + "00" * 40] if padded else []
    command = [str(needed("dnsperf")), "-m", "dot", "-s", "127.0.0.1", "-p", str(server.port)]
    command += ["-d", str(questions), "-c", str(_CONNECTIONS), "-Q", str(rate), "-l", str(seconds)]
    before = server.cpu()
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    words = done.stdout.split("Queries completed:")[1].split()
    return (server.cpu() - before) / int(words[0]) * 1e6


def _per_connection(server: _Server, count: int) -> float:
    """Microseconds of CPU, with one query."""
    before = server.cpu()
    for _ in range(count):
        server.connect().close()
    time.sleep(0.2)
    return (server.cpu() - before) / count * 1e6


def _per_idle(server: _Server) -> float:
    """KiB of memory."""
    before = server.memory()
    held = [server.connect() for _ in range(_IDLE)]
    grown = server.memory() - before
    for item in held:
        item.close()
    return grown / _IDLE / 1024


def main() -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.bench.tls", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rate", type=int, default=3000, help="queries a second")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=500, help="new ones, in each run")
    options = parser.parse_args()
    own, *_, core = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {own})
    print(f"one certificate for {NAME}, {options.rate} queries a second")
    print("| server | us a query | padded | us a connection | KiB, idle |")
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        place = Path(directory)
        (place / "questions").write_text("localhost A\n")
        servers = _started(stack, place, core)
        idle = {server.name: _per_idle(server) for server in servers}
        measured: dict[str, list[tuple[float, ...]]] = {server.name: [] for server in servers}
        for run in range(options.runs):
            for server in servers if run % 2 == 0 else reversed(servers):
                figures = (
                    *(
                        _per_query(server, place / "questions", options.rate, options.seconds, p)
                        for p in (False, True)
                    ),
                    _per_connection(server, options.connections),
                )
                measured[server.name].append(figures)
                _print(server.name, *figures)
    print("medians:")
    for name, runs in measured.items():
        _print(name, *map(statistics.median, zip(*runs, strict=True)), idle[name])
    return 0


def _print(name: str, *figures: float) -> None:
    print(f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
