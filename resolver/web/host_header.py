"""The Host header of a request: the name or address that a browser was sent to.

A website can make a name of its own resolve to this host (DNS rebinding) and then have a
browser, which may see the status page and the metrics, read them for it. The browser names the
website in the Host header. So they are served only under names that no website can have:
addresses, this machine's name, and names that the config answers or forwards by itself.
"""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from resolver.dns import names
from resolver.policy.compiled import CompiledConfig

_HOST = re.compile(
    r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,254}))(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)
"""What a browser sends: an address or a name, with or without a port."""
_LOCALHOST = names.parse("localhost")

WRONG_HOST = (
    "Nothing is served here under that name. Open it by its address, by localhost or by this "
    "machine's host name, or add the name to [[local]] in the config.\n"
)


def read_host(header: str) -> bytes | IPv4Address | IPv6Address | None:
    """The name, in wire form, or the address in a Host header; None if it holds neither."""
    parts = _HOST.fullmatch(header)
    if parts is None:
        return None
    try:
        return ip_address(parts[1] or parts[2])
    except ValueError:
        return _parse_name(parts[2] or "")


def is_own(header: str, compiled: CompiledConfig) -> bool:
    """Whether a Host header is an address or a name that no website can have."""
    host = read_host(header)
    if not isinstance(host, bytes):
        return host is not None
    zones = {zone.zone for zone in compiled.forward} - {names.ROOT}
    return (
        host in (_LOCALHOST, _parse_name(socket.gethostname()))
        or any(local.name == host for local in compiled.local)
        or any(zone in zones for zone in names.zones(host))
    )


def _parse_name(text: str) -> bytes | None:
    try:
        return names.parse(text)
    except names.InvalidName:
        return None
