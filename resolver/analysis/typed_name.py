"""The name that a client asks for, in what a person types or pastes."""

import re
from ipaddress import ip_address

from resolver.dns.names import InvalidName

_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//", re.ASCII | re.IGNORECASE)
_AFTER_HOST = re.compile(r"[/?#]")
_HOST_AND_PORT = re.compile(r"\[(.*)\](?::\d*)?|([^:]*):\d*", re.ASCII)


def typed_name(text: str) -> str:
    """The text itself, or the host of a URL, of a name with a port, or of an e-mail address.

    Raises:
        InvalidName: the host is an address, which a client reaches without a query.
    """
    host = _host(text.strip())
    try:
        ip_address(host)
    except ValueError:
        return host
    raise InvalidName(f"{host} is an address: a client reaches it without asking for a name")


def _host(text: str) -> str:
    if "\\" in text:  # a name in presentation form (RFC 1035)
        return text
    host, schemes = _SCHEME.subn("", text)
    if schemes or not text.lower().rstrip(".").endswith(".arpa"):
        host = _AFTER_HOST.split(host)[0]  # a reverse name may have a slash (RFC 2317)
    host = host.rpartition("@")[2]
    found = _HOST_AND_PORT.fullmatch(host)
    return found[1] or found[2] or "" if found else host
