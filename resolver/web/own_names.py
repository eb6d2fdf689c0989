"""The names by which a page of the operator's may be visited.

A website can have its own name lead to this host (DNS rebinding), and then read the page by a
browser that is allowed to see it. The browser says which name it came for, so only names are
answered that no website can have: addresses, this machine's own, and the agency's, which the
config answers or forwards by itself.
"""

import re
import socket
from ipaddress import ip_address

from resolver.dns import names
from resolver.policy.compiled import Terms

_HOST = re.compile(
    r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,254}))(?::[0-9]{1,5})?", re.IGNORECASE
)
_LOCALHOST = names.parse("localhost")

WRONG_HOST = (
    "This page is not known by that name. Visit it by its address, by localhost or by this "
    "machine's host name, or make the name one of [[local]] in the config.\n"
)


def is_own(host: str, terms: Terms) -> bool:
    """Whether who comes with this Host header has come by a name of ours."""
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    if _is_address(found[1] or found[2]):
        return True
    try:
        name = names.parse(found[2] or "")
    except names.InvalidName:
        return False
    return name == _LOCALHOST or name == _machine() or _is_agencys(name, terms)


def _is_agencys(name: bytes, terms: Terms) -> bool:
    zones = {zone.zone for zone in terms.forward} - {names.ROOT}
    return any(local.name == name for local in terms.local) or any(
        zone in zones for zone in names.zones(name)
    )


def _machine() -> bytes | None:
    try:
        return names.parse(socket.gethostname())
    except names.InvalidName:
        return None


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
