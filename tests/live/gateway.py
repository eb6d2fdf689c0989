"""A gateway between a VLAN and the servers: it routes, and does what its nftables rules say.

A client of the VLAN ``administration`` reaches all others by the gateway alone, also the network
abroad: there, ``ABROAD`` are the addresses of other resolvers and of a messenger, which tests may
serve.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.namespaces import ADMINISTRATION, Namespaces, Subnet, link_names, namespaces

SERVERS = Subnet("servers", ("10.0.0.1", "fd00::1"), ("10.0.0.53", "fd00::53"))
INTERNET = Subnet("internet", ("203.0.113.1", "fd01::1"), ("203.0.113.2", "fd01::2"))
"""The links of the gateway to the server, and to the network abroad."""
ABROAD = ("8.8.8.8", "2001:4860:4860::8888", "149.154.167.99", "2001:67c:4e8:f004::9")
"""A public resolver and a messenger, of both families."""
_KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
    print("open")
except OSError as error:
    print(type(error).__name__)
"""
_SERVE = """
import socket, sys, time
addresses, ports = (each.split(",") for each in sys.argv[1:])
ends = [socket.create_server((a, int(p)), family=socket.AF_INET6 if ":" in a else socket.AF_INET)
        for a in addresses for p in ports]
print("ready", flush=True)
time.sleep(600)
"""
_FORWARDING = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")


@dataclass(frozen=True)
class Gateway:
    """The network; each name is that of a namespace."""

    made: Namespaces
    client: str
    gateway: str
    server: str
    abroad: str
    nft: Path

    def into(self, namespace: str) -> list[str]:
        """The command that runs what follows it in a namespace."""
        return self.made.into(namespace)

    def load(self, rules: str) -> None:
        """Load nftables rules on the gateway."""
        command = [*self.into(self.gateway), str(self.nft), "-f", "-"]
        done = subprocess.run(command, input=rules, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def knock(self, address: str, port: int) -> str:
        """Connect from the client over TCP: ``open``, or the name of the exception."""
        command = [*self.into(self.client), sys.executable, "-c", _KNOCK, address, str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    @contextmanager
    def serving(self, addresses: Sequence[str], ports: Sequence[int]) -> Iterator[None]:
        """Take TCP connections at addresses and ports of the network abroad."""
        values = (",".join(map(str, group)) for group in (addresses, ports))
        command = [*self.into(self.abroad), sys.executable, "-c", _SERVE, *values]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield
            process.kill()


FROM_CLIENT = link_names(ADMINISTRATION)[0]
"""The interface of the gateway at which the client's packets arrive."""


@contextmanager
def gateway_network(ip: Path, nft: Path) -> Iterator[Gateway]:
    """The network, which is gone afterwards."""
    with namespaces(ip) as made:
        client, gateway, server, abroad = map(made.add, ("client", "gateway", "server", "abroad"))
        ends = ((client, ADMINISTRATION), (server, SERVERS), (abroad, INTERNET))
        for namespace, subnet in ends:
            made.join(gateway, namespace, subnet)
            made.lead(namespace, subnet)
        for key in _FORWARDING:
            _write(made.into(gateway), f"/proc/sys/{key}", "1")
        for address in ABROAD:
            made.give(abroad, f"{address}/{128 if ':' in address else 32}")
            made.route(gateway, address, INTERNET)
        yield Gateway(made, client, gateway, server, abroad, nft)


def _write(into: Sequence[str], path: str, text: str) -> None:
    subprocess.run([*into, "sh", "-c", f"echo {text} >{path}"], check=True)
