"""The name that a client asks for, in what a person types or pastes."""

import re
from ipaddress import ip_address

from resolver.dns.names import InvalidName, parse

_SCHEME = re.compile(r"^(?:([a-z][a-z0-9+.-]*):)?//", re.ASCII | re.IGNORECASE)
_AFTER_HOST = re.compile(r"[/?#]")
_AROUND = " \t\r\n<>()|^,;،؛\"'“”‘’«»"
"""What surrounds a name in an e-mail, in a sentence, or in a rule of a list."""
_NOT_IN_HOST = re.compile(r"[\s<>()\[\]{}|^,;\"'`=%$!]")
_HOST_AND_PORT = re.compile(r"\[(.*)\](?::\d*)?|([^:]*):\d*", re.ASCII)


def typed_name(text: str) -> str:
    """The text itself, or the host of a URL, of a name with a port, or of an e-mail address.

    Raises:
        InvalidName: there is no host, or it is an address, which a client reaches without a query.
    """
    if "\\" in text:  # a name in presentation form (RFC 1035)
        return text.strip()
    host = _host(text.strip(_AROUND).replace("[.]", ".")).strip(_AROUND)
    try:
        ip_address(host)
    except ValueError:
        if odd := _NOT_IN_HOST.search(host):
            raise InvalidName(
                f"'{host}' has the character '{odd[0]}', which no host name has"
            ) from None
        return host
    raise InvalidName(f"{host} is an address: a client reaches it without asking for a name")


def name_within(text: str) -> str:
    """The name that a URL or a name with a port has; empty where the text has no other name."""
    try:
        host = typed_name(text)
        parse(host)
    except InvalidName:
        return ""
    return "" if host == text else host


def _host(text: str) -> str:
    scheme = _SCHEME.match(text)
    host = text[scheme.end() :] if scheme else text
    if scheme or not text.lower().rstrip(".").endswith(".arpa"):
        host = _AFTER_HOST.split(host)[0]  # a reverse name may have a slash (RFC 2317)
    host = host.rpartition("@")[2]
    if scheme and scheme[1] and "." not in host and not scheme[1].lower().startswith("http"):
        raise InvalidName(f"'{text}' opens an app; it has no host")
    match = _HOST_AND_PORT.fullmatch(host)
    return match[1] or match[2] or "" if match else host
