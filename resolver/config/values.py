"""The values that a config holds: read from text once, exact, and used as they are.

Every reader takes what TOML gave and returns the value, or raises ``InvalidValue`` with
what is allowed there. A value that is already of its own type passes, so that code may
build sections without printing them first.
"""

import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, PlainValidator

from resolver.dns import names
from resolver.errors import DarbanError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DNS_PORT = 53
MIB = 1024**2

_UNITS = {"KiB": 1024, "MiB": MIB, "GiB": 1024**3}
_SIZE = re.compile(r"(\d{1,15}) ?(KiB|MiB|GiB)?", re.ASCII)
_PORT = re.compile(r"\d{1,5}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.-]{1,63}")
_SERVICE = re.compile(r"[a-z0-9-]+")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{64}")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_RECORD = re.compile(r"(?:(\d{1,10})\s+)?([A-Za-z][A-Za-z0-9-]*)\s+(\S.*)", re.ASCII)
_NO_NAME = re.compile(r"[\s:@|^*\x00-\x1f\x7f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_TTL = 2**31 - 1

T = TypeVar("T")


class InvalidValue(DarbanError, ValueError):
    """A value that its place does not take; ``expected`` says what it takes."""

    def __init__(self, expected: str, advice: str = "") -> None:
        self.expected = expected
        self.advice = advice
        super().__init__(f"expected {expected}. {advice}".rstrip())


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """An address and a port of this or another machine."""

    address: str
    port: int

    def __str__(self) -> str:
        return _joined(self.address, self.port)


@dataclass(frozen=True, slots=True)
class NameServer:
    """A name server to ask: an address, a host name still to be resolved, or the system's own.

    For ``system`` the host is the word itself, and resolv.conf has the rest.
    """

    host: str
    port: int
    kind: Literal["address", "hostname", "system"]

    def __str__(self) -> str:
        return self.host if self.kind == "system" else _joined(self.host, self.port)


@dataclass(frozen=True, slots=True)
class RecordText:
    """A record's text in its parts; a later layer reads the data and knows the types."""

    ttl: int | None
    type: str
    data: str


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _from_text(
    kind: type[T] | tuple[type[T], ...], expected: str, read: Callable[[str], T]
) -> PlainValidator:
    """A validator that lets values of the kind pass, reads text, and refuses all else."""

    def validate(value: object) -> T:
        if isinstance(value, str):
            return read(value)
        if isinstance(value, kind):
            return value
        raise InvalidValue(expected)

    return PlainValidator(validate)


_ADDRESS = 'an address in quotes, such as "10.10.3.7" or "fd00:10::37"'
_PREFIX = 'a prefix in quotes, such as "10.10.0.0/16" or "fd00:10::/64"'
_ENDPOINT = 'an address with a port, such as "127.0.0.1:5300" or "[::1]:5300"'
_BOOTSTRAP = 'the address of a name server, such as "192.0.2.53", "192.0.2.53:5353" or "[::1]:53"'
_SERVER = '"system", an address or a host name, with a port or without, such as "192.0.2.53:5353"'
_NAME = 'a domain name in quotes, such as "agency.internal"'
_BYTES = 'a number of bytes, or a size such as "64MiB" (KiB, MiB, GiB)'
_LOCAL = 'a record such as "A 10.0.0.30" or "300 AAAA fd00::30"'
_REFERENCE = 'a service such as "telegram", or a category with @ such as "@messenger"'
_ONE_SERVICE = 'a service such as "telegram": lower-case letters, digits and hyphens'
_LABELLED = "a name of 1 to 63 letters, digits, dots, hyphens and underscores"
_MNEMONIC = 'a record type such as "A", "AAAA" or "HTTPS"'
_CATEGORY = 'a category such as "messenger": lower-case letters, digits and hyphens'
_SOURCE = 'an address such as "https://lists.example/hosts.txt"'
_DIGEST = "the SHA-256 of the file, 64 hexadecimal digits"
_LINE = "one line of text, in quotes"
_SOME_LINE = "one line of text, in quotes, not empty"


def _read_address(text: str) -> Address:
    address = _address_or_none(text)
    if address is None:
        raise InvalidValue(_ADDRESS)
    return address


def _read_prefix(text: str) -> Network:
    try:
        interface = ip_interface(text)
    except ValueError:
        raise InvalidValue(_PREFIX) from None
    if "/" not in text:
        raise InvalidValue("a prefix with its length", f'Did you mean "{interface.network}"?')
    try:
        return ip_network(text)
    except ValueError:
        alone = ip_network(interface.ip)
        advice = f'Did you mean "{interface.network}" or "{alone}"?'
        raise InvalidValue("a prefix without host bits", advice) from None


def _address_or_none(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _split_port(text: str, expected: str) -> tuple[str, int | None]:
    """Part ``host:port`` and ``[v6]:port``; a bare IPv6 address has no port."""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]:")
        if not bracket or ":" not in host:
            raise InvalidValue(expected)
        return host, _port(port, expected)
    if text.count(":") != 1:
        return text, None
    host, _, port = text.partition(":")
    return host, _port(port, expected)


def _port(text: str, expected: str) -> int:
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65535:
        raise InvalidValue(expected, "A port is a number from 1 to 65535.")
    return int(text)


def _read_endpoint(text: str) -> SocketAddress:
    host, port = _split_port(text, _ENDPOINT)
    address = _address_or_none(host)
    if address is None:
        raise InvalidValue(_ENDPOINT)
    if port is None:
        raise InvalidValue(_ENDPOINT, "Add the port.")
    return SocketAddress(str(address), port)


def _read_bootstrap(text: str) -> SocketAddress:
    host, port = _split_port(text, _BOOTSTRAP)
    address = _address_or_none(host)
    if address is None:
        raise InvalidValue(_BOOTSTRAP)
    return SocketAddress(str(address), port or DNS_PORT)


def _read_server(text: str) -> NameServer:
    if text == "system":
        return NameServer(text, DNS_PORT, "system")
    host, port = _split_port(text, _SERVER)
    address = _address_or_none(host)
    if address is not None:
        return NameServer(str(address), port or DNS_PORT, "address")
    return NameServer(_host_name(host), port or DNS_PORT, "hostname")


def _host_name(text: str) -> str:
    try:
        host = names.text(names.parse(text))
    except names.InvalidName as error:
        raise InvalidValue(_SERVER, f"Here: {error}.") from None
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise InvalidValue(_SERVER)
    return host


def _read_name(text: str) -> bytes:
    if _NO_NAME.search(text):
        raise InvalidValue(_NAME, "Write the name alone, without scheme, port or wildcard.")
    try:
        return names.parse(text)
    except names.InvalidName as error:
        raise InvalidValue(_NAME, f"Here: {error}.") from None


def _read_size(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    read = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if read is None:
        raise InvalidValue(_BYTES)
    return int(read[1]) * _UNITS.get(read[2], 1)


def _read_cache_size(value: object) -> int:
    size = _read_size(value)
    if size < MIB:
        raise InvalidValue('at least "1MiB"')
    return size


def _read_record(text: str) -> RecordText:
    read = _RECORD.fullmatch(text.strip())
    if read is None:
        raise InvalidValue(_LOCAL)
    ttl = None if read[1] is None else int(read[1])
    if ttl is not None and ttl > _LONGEST_TTL:
        raise InvalidValue(f"a TTL of at most {_LONGEST_TTL} seconds")
    return RecordText(ttl, read[2].upper(), read[3])


def _read_reference(text: str) -> str:
    return text[: text.startswith("@")] + _service(text.removeprefix("@"), text, _REFERENCE)


def _read_service(text: str) -> str:
    return _service(text, text, _ONE_SERVICE)


def _service(name: str, text: str, expected: str) -> str:
    if _SERVICE.fullmatch(name):
        return name
    fits = _SERVICE.fullmatch(name.lower())
    raise InvalidValue(expected, f'Did you mean "{text.lower()}"?' if fits else "")


def _read_identifier(text: str) -> str:
    if not _IDENTIFIER.fullmatch(text):
        raise InvalidValue(_LABELLED, "It becomes a label of the metrics.")
    return text


def _read_type(text: str) -> str:
    if not _TYPE.fullmatch(text):
        raise InvalidValue(_MNEMONIC)
    return text.upper()


def _read_line(text: str) -> str:
    if _CONTROL.search(text):
        raise InvalidValue(_LINE)
    return text


def _read_some_line(text: str) -> str:
    if _CONTROL.search(text) or not text.strip():
        raise InvalidValue(_SOME_LINE)
    return text


def _read_category(text: str) -> str:
    if not _SERVICE.fullmatch(text):
        raise InvalidValue(_CATEGORY)
    return text


def _read_source(text: str) -> str:
    """An address to fetch from: who could change a list on its way could open what is banned."""
    try:
        parts = urllib.parse.urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidValue(_SOURCE) from None
    if not host or _CONTROL.search(text) or " " in text or parts.fragment:
        raise InvalidValue(_SOURCE)
    if parts.username is not None or parts.password is not None:
        raise InvalidValue(_SOURCE, "A user name or password would be shown in logs and reports.")
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidValue(_SOURCE, "Without TLS only a server on this host (127.0.0.1) is asked.")
    if parts.scheme not in ("http", "https"):
        raise InvalidValue(_SOURCE, 'For a file on this host write file = "...".')
    return text


def is_loopback(host: str) -> bool:
    """Whether a host of an address is this machine itself."""
    address = _address_or_none(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _read_digest(text: str) -> str:
    if not _HEXADECIMAL.fullmatch(text):
        raise InvalidValue(_DIGEST)
    return text.lower()


ClientAddress = Annotated[Address, _from_text((IPv4Address, IPv6Address), _ADDRESS, _read_address)]
Prefix = Annotated[Network, _from_text((IPv4Network, IPv6Network), _PREFIX, _read_prefix)]
Listen = Annotated[SocketAddress, _from_text(SocketAddress, _ENDPOINT, _read_endpoint)]
Bootstrap = Annotated[SocketAddress, _from_text(SocketAddress, _BOOTSTRAP, _read_bootstrap)]
Server = Annotated[NameServer, _from_text(NameServer, _SERVER, _read_server)]
DomainName = Annotated[bytes, _from_text(bytes, _NAME, _read_name)]
CacheSize = Annotated[int, PlainValidator(_read_cache_size)]
Record = Annotated[RecordText, _from_text(RecordText, _LOCAL, _read_record)]
ServiceReference = Annotated[str, _from_text(str, _REFERENCE, _read_reference)]
ServiceName = Annotated[str, _from_text(str, _ONE_SERVICE, _read_service)]
Identifier = Annotated[str, _from_text(str, _LABELLED, _read_identifier)]
RecordType = Annotated[str, _from_text(str, _MNEMONIC, _read_type)]
Category = Annotated[str, _from_text(str, _CATEGORY, _read_category)]
SourceUrl = Annotated[str, _from_text(str, _SOURCE, _read_source)]
Digest = Annotated[str, _from_text(str, _DIGEST, _read_digest)]
Line = Annotated[str, _from_text(str, _LINE, _read_line)]
SomeLine = Annotated[str, _from_text(str, _SOME_LINE, _read_some_line)]
Moment = AwareDatetime
