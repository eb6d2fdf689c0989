"""Network namespaces as VLANs: a server in one, a client in each of the others.

Each client's namespace is joined to the server's by a veth pair with a subnet of its own,
as a router's VLAN interfaces are. All that the tests send stays inside.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Subnet:
    """A VLAN's addresses: the server's and the client's, of both families."""

    vlan: str
    server: tuple[str, str]
    client: tuple[str, str]


ADMINISTRATION = Subnet("administration", ("10.10.0.1", "fd00:10::1"), ("10.10.0.5", "fd00:10::5"))
PUBLICITY = Subnet("publicity", ("10.20.0.1", "fd00:20::1"), ("10.20.0.5", "fd00:20::5"))


def link_names(subnet: Subnet) -> tuple[str, str]:
    """The names of a subnet's link: in the server's namespace, and in the client's."""
    return f"db0{subnet.vlan[:8]}", f"db1{subnet.vlan[:8]}"


def _port(namespace: str, link: str) -> str:
    """The name of a switch's end of a link; a name has at most 15 octets."""
    return f"{namespace.rpartition('-')[2][:8]}-{link[:6]}"


class Namespaces:
    """Namespaces under names that no other run uses; ended by ``remove``."""

    def __init__(self, ip: Path) -> None:
        self._ip = ip
        self._made: list[str] = []

    def add(self, what: str) -> str:
        """A new namespace with its loopback up."""
        name = f"darban-{os.getpid()}-{what}"
        self._run("netns", "add", name)
        self._made.append(name)
        self._run("-n", name, "link", "set", "lo", "up")
        return name

    def join(self, server: str, client: str, subnet: Subnet) -> None:
        """A veth pair between two namespaces, with the subnet's addresses."""
        ends = ((server, subnet.server), (client, subnet.client))
        links = link_names(subnet)
        self._run(
            *("link", "add", links[0], "netns", server),
            *("type", "veth", "peer", "name", links[1], "netns", client),
        )
        for link, (namespace, (v4, v6)) in zip(links, ends, strict=True):
            self._run("-n", namespace, "address", "add", f"{v4}/24", "dev", link)
            self._run("-n", namespace, "address", "add", f"{v6}/64", "dev", link, "nodad")
            self._run("-n", namespace, "link", "set", link, "up")

    def add_switch(self, what: str) -> str:
        """A new namespace that is a switch: what is plugged into it is one network."""
        name = self.add(what)
        self._run("-n", name, "link", "add", "switch", "type", "bridge")
        self._run("-n", name, "link", "set", "switch", "up")
        return name

    def plug(self, switch: str, namespace: str, link: str, *addresses: str) -> None:
        """A link from a namespace to a switch, with addresses and their prefix lengths."""
        port = _port(namespace, link)
        self._run(
            *("link", "add", link, "netns", namespace),
            *("type", "veth", "peer", "name", port, "netns", switch),
        )
        self._run("-n", switch, "link", "set", port, "master", "switch", "up")
        for address in addresses:
            self._run("-n", namespace, "address", "add", address, "dev", link, "nodad")
        self._run("-n", namespace, "link", "set", link, "up")

    def cut(self, switch: str, namespace: str, link: str) -> None:
        """Cut the cable behind a link: it stays up at both ends, and nothing arrives."""
        self._run("-n", switch, "link", "set", _port(namespace, link), "nomaster")

    def mend(self, switch: str, namespace: str, link: str) -> None:
        """End a cut."""
        self._run("-n", switch, "link", "set", _port(namespace, link), "master", "switch")

    def unjoin(self, server: str, subnet: Subnet) -> None:
        """End the veth pair of a subnet."""
        self._run("-n", server, "link", "delete", link_names(subnet)[0])

    def give_link_local(self, namespace: str, link: str, address: str) -> None:
        """The only link-local address of a link's end."""
        self._run("-n", namespace, "address", "flush", "dev", link, "scope", "link")
        self._run("-n", namespace, "address", "add", f"{address}/64", "dev", link, "nodad")

    def give(self, namespace: str, address: str) -> None:
        """One more address of a namespace, which every client is to reach through a link."""
        self._run("-n", namespace, "address", "add", address, "dev", "lo", "nodad")

    def take(self, namespace: str, address: str) -> None:
        """End an address that was given."""
        self._run("-n", namespace, "address", "delete", address, "dev", "lo")

    def lead(self, client: str, subnet: Subnet) -> None:
        """Send all that a client sends to the server's namespace, as its router would."""
        for address in subnet.server:
            self._run("-n", client, "route", "add", "default", "via", address)

    def route(self, server: str, address: str, subnet: Subnet) -> None:
        """Send what is for an address to the client's end of a subnet."""
        via = subnet.client[":" in address]
        self._run("-n", server, "route", "add", address, "via", via)

    def into(self, namespace: str) -> list[str]:
        """The command that runs what follows it in a namespace."""
        return [str(self._ip), "netns", "exec", namespace]

    def remove(self) -> None:
        """End all of them, and the links with them."""
        while self._made:
            self._run("netns", "delete", self._made.pop())

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [self._ip, *arguments], capture_output=True, text=True, check=False, timeout=20
        )
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


@contextmanager
def namespaces(ip: Path) -> Iterator[Namespaces]:
    """Namespaces that are gone afterwards."""
    made = Namespaces(ip)
    try:
        yield made
    finally:
        made.remove()


def enter(namespace: str | Path) -> None:
    """Be in a namespace, with all that this thread starts from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/run/netns", namespace).open() as file:
        if libc.setns(file.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Be in a namespace for a while."""
    with Path("/proc/thread-self/ns/net").open() as before:
        enter(namespace)
        try:
            yield
        finally:
            enter(Path(f"/proc/self/fd/{before.fileno()}"))


def drop_capability(setpriv: Path, *capabilities: str) -> Sequence[str]:
    """The command that runs what follows it without some of root's rights."""
    if os.geteuid() != 0:
        return []
    without = ",".join(f"-{capability}" for capability in capabilities)
    return [str(setpriv), f"--bounding-set={without}", f"--inh-caps={without}"]
