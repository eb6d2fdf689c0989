"""Values of config.toml about networks and the hosts in them, as those in ``values``."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated

from pydantic import PlainValidator

from resolver.config.values import (
    INTERFACE,
    Address,
    InvalidValue,
    Network,
    instead_of_url,
    matching,
    parse_address,
    read_address,
    read_name,
    read_prefix,
    reader,
)
from resolver.dns import names
from resolver.policy.settings import Endpoint
from resolver.policy.upstream_groups import TLS_SCHEME, ConfiguredServer

DNS_PORT = 53
TLS_PORT = 853
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*(?!\d+$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_BROADCAST = IPv4Address("255.255.255.255")
_LISTEN = 'an address with a port, such as "127.0.0.1:5300" or "[::1]:5300"'
_BOOTSTRAP = 'the address of a name server, such as "192.0.2.53", "192.0.2.53:5353" or "[::1]:53"'
_SECONDARY = 'an address with a port or without, such as "10.1.0.53" or "[fd00::53]:5353"'
_SERVER = '"system", an address or a host name, with a port or without, such as "192.0.2.53:5353"'
_OVER_TLS = '"tls://NAME@ADDRESS", such as "tls://dns.example@192.0.2.53"'
_NO_URL = (
    f"Darban asks over UDP and TCP, or over TLS: {_OVER_TLS}. Let a resolver on this host ask over "
    'HTTPS, and write its address: "127.0.0.1:5335".'
)
_VERIFIED = "The certificate of the server is verified for the name."
_NAME_OR_PREFIX = 'a domain name or a prefix, such as "zen.spamhaus.org" or "10.10.34.34/31"'
_INTERFACE = 'the name of an interface, such as "eth0.10": 15 letters, digits and ._- at most'
_SOURCE = 'an address of this host in quotes, such as "10.0.0.2" or "fd00::2"'
MAX_PROBED = 200
"""Octets of a domain below which names are made up: there is room for one more label."""
_PROBED = f'a domain name other than the root, of at most {MAX_PROBED} octets, such as "com"'


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """An address and a port of this or another host."""

    address: Address
    port: int

    def __str__(self) -> str:
        return str(Endpoint(str(self.address), self.port))


def _of_one_host(address: Address, expected: str) -> Address:
    """The address, if one host alone can have it."""
    kind = "multicast" if address.is_multicast else "broadcast" if address == _BROADCAST else ""
    if kind:
        raise InvalidValue(expected, f"It is a {kind} address. Write the address of one host.")
    return address


def _of_one_link(address: Address, expected: str, *, is_here: bool) -> None:
    """Check that a link-local address names its link where it is another host's, and no other does.

    An address to listen on cannot: a socket would be bound to an interface by its index, and hear
    nothing once the interface is made again.
    """
    if not isinstance(address, IPv6Address):
        return
    if not address.is_link_local:
        if address.scope_id is not None:
            raise InvalidValue(expected, "Only a link-local address has an interface.")
        return
    if is_here:
        raise InvalidValue(expected, 'To answer at link-local addresses, listen on "[::]".')
    if address.scope_id is None:
        raise InvalidValue(expected, f'Add the interface of its link, as in "{address}%eth0".')


def _split_port(text: str, expected: str) -> tuple[str, int | None]:
    """Split ``host:port`` and ``[v6]:port``; a bare IPv6 address has no port."""
    if text.startswith("["):
        host, separator, port = text[1:].partition("]:")
        if not separator or ":" not in host:
            raise InvalidValue(expected)
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        return text, None
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= 65535:
        raise InvalidValue(expected, "A port is a number from 1 to 65535.")
    return host, int(port)


def _socket_address(expected: str, default_port: int | None = None) -> PlainValidator:
    def read(text: str) -> SocketAddress:
        host, port = _split_port(text, expected)
        address, port = _of_one_host(read_address(host), expected), port or default_port
        if port is None:
            raise InvalidValue(expected, "Add the port.")
        _of_one_link(address, expected, is_here=default_port is None)
        return SocketAddress(address, port)

    return reader(expected, read)


def _read_server(text: str) -> ConfiguredServer:
    if text == "system":
        return ConfiguredServer(text, DNS_PORT, "system")
    if text.startswith(TLS_SCHEME):
        return _read_tls_server(text)
    if "://" in text:
        raise InvalidValue(_SERVER, _NO_URL)
    host, port = _split_port(text, _SERVER)
    address = _server_address(host, _SERVER)
    if address is not None:
        return ConfiguredServer(address, port or DNS_PORT, "address")
    return ConfiguredServer(_host_name(host, _SERVER), port or DNS_PORT, "hostname")


def _read_tls_server(text: str) -> ConfiguredServer:
    """A server over TLS: its address, since a name would have to be resolved over plain DNS."""
    name, separator, at = text.removeprefix(TLS_SCHEME).partition("@")
    if not separator:
        raise InvalidValue(_OVER_TLS, _VERIFIED)
    if at.startswith("[") and at.endswith("]"):
        at = at[1:-1]
    host, port = _split_port(at, _OVER_TLS)
    address = _server_address(host, _OVER_TLS)
    if address is None:
        raise InvalidValue(_OVER_TLS, "Write the address of the server behind the @.")
    return ConfiguredServer(address, port or TLS_PORT, "address", _host_name(name, _OVER_TLS))


def _server_address(host: str, expected: str) -> str | None:
    """The address of a server; None for what is no address."""
    address = parse_address(host)
    if address is None:
        return None
    address = _of_one_host(address, expected)
    _of_one_link(address, expected, is_here=False)
    return str(address)


def _host_name(text: str, expected: str) -> str:
    try:
        name = names.text(names.parse(text))
    except names.InvalidName as error:
        raise InvalidValue(expected, f"Here: {error}.") from None
    if not _HOST.fullmatch(name):
        raise InvalidValue(expected)
    return name


def _read_source(text: str) -> Address:
    address = _of_one_host(read_address(text), _SOURCE)
    if address.is_unspecified or address.is_link_local:
        raise InvalidValue(_SOURCE)
    return address


def _read_name_or_prefix(text: str) -> bytes | Network:
    host = text.partition("/")[0]
    if parse_address(host) is not None:
        return read_prefix(text)
    if "/" in text:
        raise InvalidValue(_NAME_OR_PREFIX, instead_of_url(text))
    return read_name(text)


def _read_probed_domain(text: str) -> bytes:
    name = read_name(text)
    if name == names.ROOT:
        raise InvalidValue(_PROBED)
    if len(name) > MAX_PROBED:
        raise InvalidValue(_PROBED, f"It has {len(name)} octets.")
    return name


InterfaceName = Annotated[str, matching(_INTERFACE, INTERFACE, 'See "ip -brief link".')]
SourceAddress = Annotated[Address, reader(_SOURCE, _read_source)]
NameOrPrefix = Annotated[bytes | Network, reader(_NAME_OR_PREFIX, _read_name_or_prefix)]
ProbedDomain = Annotated[bytes, reader(_PROBED, _read_probed_domain)]
Listen = Annotated[SocketAddress, _socket_address(_LISTEN)]
Bootstrap = Annotated[SocketAddress, _socket_address(_BOOTSTRAP, DNS_PORT)]
Secondary = Annotated[SocketAddress, _socket_address(_SECONDARY, DNS_PORT)]
Server = Annotated[ConfiguredServer, reader(_SERVER, _read_server)]
