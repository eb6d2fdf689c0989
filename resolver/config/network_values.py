"""Values of config.toml about networks, as those in ``values``."""

from ipaddress import ip_address
from typing import Annotated

from resolver.config.values import (
    Address,
    InvalidValue,
    Network,
    matching,
    of_one_host,
    parse_address,
    read_name,
    read_prefix,
    reader,
)

_NAME_OR_PREFIX = 'a domain name or a prefix, such as "zen.spamhaus.org" or "10.10.34.34/31"'
_INTERFACE = 'the name of an interface, such as "eth0.10": 15 letters, digits and ._- at most'
_SOURCE = 'an address of this host in quotes, such as "10.0.0.2" or "fd00::2"'


def _read_source(text: str) -> Address:
    address = of_one_host(ip_address(text), _SOURCE)
    if address.is_unspecified or address.is_link_local:
        raise InvalidValue(_SOURCE)
    return address


def _read_name_or_prefix(text: str) -> bytes | Network:
    host = text.partition("/")[0]
    if parse_address(host) is not None:
        return read_prefix(text)
    if "/" in text:
        raise InvalidValue(_NAME_OR_PREFIX)
    return read_name(text)


InterfaceName = Annotated[
    str, matching(_INTERFACE, r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,15}", 'See "ip -brief link".')
]
SourceAddress = Annotated[Address, reader(_SOURCE, _read_source)]
NameOrPrefix = Annotated[bytes | Network, reader(_NAME_OR_PREFIX, _read_name_or_prefix)]
