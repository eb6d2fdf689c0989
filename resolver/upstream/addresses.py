"""Addresses of upstream servers: from resolv.conf, and by resolving host names.

resolv.conf may be written after the start, and again whenever the network changes. While it names
no server, as in the middle of a change, the servers that it named before are asked.

aiodns resolves host names. It asks only the bootstrap servers, so a host whose resolv.conf names
this program can still start. A host name without an address is resolved again later; meanwhile
the other servers of its group are asked.
"""

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import aiodns

from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Endpoint, Settings
from resolver.policy.upstream_groups import FALLBACK_GROUP, ConfiguredGroup, ConfiguredServer
from resolver.system.file_version import file_version
from resolver.system.interfaces import family_of
from resolver.system.log import log
from resolver.upstream.client_socket import source_address_for
from resolver.upstream.server_address import ServerAddress

RESOLV_CONF: Final = Path("/etc/resolv.conf")
_TIMEOUT: Final = 2.0
"""In seconds."""
_TRIES: Final = 2
_DENIED: Final = (aiodns.error.ARES_ENODATA, aiodns.error.ARES_ENOTFOUND)
"""A name server says that there are no such records."""


def system_servers(settings: Settings, resolv_conf: Path = RESOLV_CONF) -> list[Endpoint]:
    """The name servers in resolv.conf, without this resolver."""
    try:
        lines = resolv_conf.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        log.warning("cannot read %s: %s", resolv_conf, error.strerror)
        return []
    words = (line.split() for line in lines)
    endpoints = [Endpoint(w[1], 53) for w in words if len(w) >= 2 and w[0] == "nameserver"]
    return [
        endpoint
        for endpoint in endpoints
        if _is_address(endpoint.address) and not _is_this_resolver(endpoint, settings)
    ]


def _is_this_resolver(server: Endpoint, settings: Settings) -> bool:
    """Whether this address is one on which this resolver listens."""
    if server in settings.listen:
        return True
    family = family_of(server.address)
    wildcard = Endpoint("::" if family == socket.AF_INET6 else "0.0.0.0", server.port)
    if wildcard not in settings.listen:
        return False
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((server.address, 0))  # an error unless the address is of this host
    except OSError:
        return False
    return True


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


class UpstreamAddresses:
    """The addresses of the upstream servers of a snapshot."""

    def __init__(self, compiled: CompiledConfig, resolv_conf: Path = RESOLV_CONF) -> None:
        self._groups = compiled.groups
        self._settings = compiled.settings
        servers = (server for group in compiled.groups for server in group.servers)
        self._uses_system = any(server.kind == "system" for server in servers)
        self._resolv_conf = resolv_conf
        self._version: tuple[int, ...] | None = None
        """Which resolv.conf was read last; None before the first time."""
        self.system: list[Endpoint] = []
        """The servers of resolv.conf, as far as it is used."""
        self.look()
        self._compiled = compiled
        self._resolver = aiodns.DNSResolver(timeout=_TIMEOUT, tries=_TRIES)
        self._known: dict[str, list[str]] = {}
        self.validating: frozenset[tuple[str, int, str]] = frozenset()
        """The servers that are known to validate DNSSEC, by address, port and name for TLS."""
        self.wrong: frozenset[tuple[str, int, str]] = frozenset()
        """The servers whose last answer to a probe was wrong."""

    @property
    def named(self) -> list[str]:
        """The host names of servers."""
        servers = (server for group in self._groups for server in group.servers)
        return sorted({server.host for server in servers if server.kind == "hostname"})

    @property
    def named_servers(self) -> set[str]:
        """The names, in metrics, of the servers that are given by host name."""
        servers = (server for group in self._groups for server in group.servers)
        return {name_of(server) for server in servers if server.kind == "hostname"}

    @property
    def unknown(self) -> list[str]:
        """The host names without an address so far."""
        return [host for host in self.named if host not in self._known]

    def learn(self, other: "UpstreamAddresses") -> None:
        """Copy what is known of another snapshot's servers: their addresses and their answers."""
        self.validating, self.wrong = other.validating, other.wrong
        self.system = self.system or other.system
        known = other._known
        self._known.update({host: known[host] for host in self.named if host in known})

    def look(self) -> bool:
        """Read resolv.conf again, if it is used and has changed; whether it names other servers."""
        version = file_version(self._resolv_conf)
        if version == self._version or not self._uses_system:
            return False
        before, self._version = self.system, version
        self.system = system_servers(self._settings, self._resolv_conf) or before
        return self.system != before

    async def resolve(self) -> None:
        """Resolve every host name. One that has no answer now keeps its old addresses.

        So do those of one family, where only the look-up of the other has an answer.
        """
        servers = [
            server.name_server for server in bootstrap(self._compiled)
        ]  # resolv.conf may have changed
        if servers:
            self._resolver.nameservers = servers
        for host in self.named:
            v4, v6 = await self._addresses(host, "A"), await self._addresses(host, "AAAA")
            if v4 or v6:
                known = self._known.get(host, ())
                v4 = [address for address in known if ":" not in address] if v4 is None else v4
                v6 = [address for address in known if ":" in address] if v6 is None else v6
                self._known[host] = [*v4, *v6]
            else:
                log.warning("upstream %s has no address now; resolving it again later", host)

    def groups(self) -> dict[str, list[ServerAddress]]:
        """The servers with a known address, by group."""
        return {group.name: self._servers(group) for group in self._groups}

    def _servers(self, group: ConfiguredGroup) -> list[ServerAddress]:
        return [
            ServerAddress(
                name=name,
                address=address,
                port=port,
                ad_trusted=self._is_ad_trusted(group, address, port, server.tls_name),
                source_address=source_address_for(address, group.source),
                wrong=(address, port, server.tls_name) in self.wrong,
                tls_name=server.tls_name,
                authorities=group.authorities,
            )
            for server in group.servers
            for name, address, port in self._of(server)
        ]

    def _is_ad_trusted(
        self, group: ConfiguredGroup, address: str, port: int, tls_name: str
    ) -> bool:
        """Whether a server validates, and nobody else is on the path to it who could set AD.

        Nothing that a fallback server says counts as validated.
        """
        if group.name == FALLBACK_GROUP:
            return False
        validates = (address, port, tls_name) in self.validating
        return group.trust_ad or (validates and ip_address(address).is_loopback)

    def _of(self, server: ConfiguredServer) -> list[tuple[str, str, int]]:
        if server.kind == "system":
            return [(str(endpoint), endpoint.address, endpoint.port) for endpoint in self.system]
        if server.kind == "hostname":
            name, known = name_of(server), self._known.get(server.host, ())
            return [(name, address, server.port) for address in known]
        return [(str(server), server.host, server.port)]

    async def _addresses(self, host: str, rtype: str) -> list[str] | None:
        """The addresses of a host; None without an answer."""
        try:
            result = await self._resolver.query_dns(host, rtype)
        except aiodns.error.DNSError as error:
            return [] if error.args[0] in _DENIED else None
        except UnicodeError:
            return None
        return [record.data.addr for record in result.answer if hasattr(record.data, "addr")]


def name_of(server: ConfiguredServer) -> str:
    """The name, in metrics, of a server that is given by host name, whatever its address is."""
    return f"{server.host}:{server.port}"


def bootstrap(compiled: CompiledConfig) -> list[Endpoint]:
    """The name servers for host names in the config: of upstreams and of list URLs.

    They are asked over plain DNS, so servers over TLS are not among them.
    """
    if compiled.settings.bootstrap:
        return list(compiled.settings.bootstrap)
    groups = (group for group in compiled.groups if group.name != FALLBACK_GROUP)
    servers = (server for group in groups for server in group.servers)
    addresses = [
        Endpoint(s.host, s.port) for s in servers if s.kind == "address" and not s.tls_name
    ]
    return addresses or system_servers(compiled.settings)
