"""The values that a config holds: read from text once, checked, and used as they are.

Every validator takes what TOML gave and returns the value, or raises ``InvalidValue`` with
what is allowed there. pydantic's own validators are used where their errors are as clear.
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
from typing import Annotated

from pydantic import AfterValidator, ByteSize, PlainValidator

from resolver import DarbanError
from resolver.config.problems import did_you_mean
from resolver.dns import codes, names
from resolver.dns.typed_name import name_within
from resolver.system.solar_hijri import ascii_digits

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MIB = 1024**2

_RECORD = re.compile(r"(?:(\d{1,10})\s+)?([A-Za-z][A-Za-z0-9-]*)\s+(\S.*)", re.ASCII)
_NO_NAME = re.compile(r"[\s:@|^*\x00-\x1f\x7f]")
_IN_URL = re.compile(":|.@")
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_NOT_IN_URL = re.compile(f"[ {_CONTROL}]")
_PLAIN_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
INTERFACE = r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,15}"
PLAIN_PATH = "a path of ASCII letters, digits and the characters ._/+- alone"
_PATH = "[A-Za-z0-9._/+-]*"
_MAX_TTL = 2**31 - 1


class InvalidValue(DarbanError, ValueError):
    """A value that its key does not take; ``expected`` is what it takes."""

    def __init__(self, expected: str, advice: str = "") -> None:
        self.expected = expected
        self.advice = advice
        super().__init__(f"expected {expected}. {advice}".rstrip())


@dataclass(frozen=True, slots=True)
class RecordText:
    """The parts of a record's text; the compiler checks type and data."""

    ttl: int | None
    type: str
    data: str


@dataclass(frozen=True, slots=True)
class TextReader:
    """Reads text, and refuses every other type."""

    expected: str
    read: Callable[[str], object]
    """Raises InvalidValue, or another ValueError where ``expected`` says enough."""
    pattern: str
    """What every text that is taken matches from beginning to end; empty for none."""

    def __call__(self, value: object) -> object:
        """The value that a text means."""
        if not isinstance(value, str):
            raise InvalidValue(self.expected)
        try:
            return self.read(value)
        except InvalidValue:
            raise
        except ValueError:
            raise InvalidValue(self.expected) from None


def reader(expected: str, read: Callable[[str], object], pattern: str = "") -> PlainValidator:
    """A validator for text; what each argument is, ``TextReader`` says."""
    return PlainValidator(TextReader(expected, read, pattern))


def matching(expected: str, pattern: str, advice: str = "") -> PlainValidator:
    """A validator for text that matches a pattern from beginning to end."""
    whole = re.compile(pattern)

    def read(text: str) -> str:
        if whole.fullmatch(text):
            return text
        lower = text.lower()
        raise InvalidValue(
            expected, f'Did you mean "{lower}"?' if whole.fullmatch(lower) else advice
        )

    return reader(expected, read, pattern)


_ADDRESS = 'an address in quotes, such as "10.10.3.7" or "fd00:10::37"'
_PREFIX = 'a prefix in quotes, such as "10.10.0.0/16" or "fd00:10::/64"'
_NAME = 'a domain name in quotes, such as "agency.internal"'
_ALONE = "Write the name alone, without scheme, port or wildcard."
_REVERSE = 'Reverse zones are written as names, such as "10.in-addr.arpa".'
_PLAIN = (
    'a domain name of letters, digits, hyphens and underscores alone, such as "dns.agency.example"'
)
_LOCAL = 'a record such as "A 10.0.0.30" or "300 AAAA fd00::30"'
_URL = 'an address such as "https://lists.example/hosts.txt"'
_FILE = (
    'For a file on this host write file = "...", or url = "file:///..." where another program '
    "writes it."
)


def check_digits(text: str) -> None:
    """Raise InvalidValue for an address or a prefix in other digits than 0 to 9, as Persian ones.

    Commands pass the text on, so it is not read as if it had these.
    """
    meant = ascii_digits(text)
    if meant == text:
        return
    try:
        ip_interface(meant)
    except ValueError:
        return
    raise InvalidValue("an address in the digits 0 to 9", f'Write "{meant}".')


def read_address(text: str) -> Address:
    """Read an address; ValueError where it is none.

    ``ip_address`` takes every text after ``%``. Only the name of an interface can be meant, and
    the text reaches the configs of other programs.
    """
    check_digits(text)
    _, percent, interface = text.partition("%")
    if percent and not re.fullmatch(INTERFACE, interface):
        raise InvalidValue('the name of an interface after %, as in "fe80::1%eth0"')
    return ip_address(text)


def parse_address(text: str) -> Address | None:
    """The address that a text is; None where it is none.

    Raises:
        InvalidValue: it is one in other digits.
    """
    check_digits(text)
    try:
        return read_address(text)
    except ValueError:
        return None


def read_prefix(text: str) -> Network:
    """Read a prefix; it has a length, and no host bits. ValueError where it is none."""
    check_digits(text)
    interface = ip_interface(text)
    if "%" in text:
        raise InvalidValue("a prefix without an interface")
    if "/" not in text:
        raise InvalidValue("a prefix with its length", f'Did you mean "{interface.network}"?')
    if interface.ip != interface.network.network_address:
        advice = f'Did you mean "{interface.network}" or "{ip_network(interface.ip)}"?'
        raise InvalidValue("a prefix without host bits", advice)
    return interface.network


def read_name(text: str) -> bytes:
    """Read a domain name into its wire form."""
    if parse_address(text.partition("/")[0]) is not None:
        raise InvalidValue(_NAME, _REVERSE)
    if _NO_NAME.search(text):
        raise InvalidValue(_NAME, instead_of_url(text) or _ALONE)
    try:
        return names.parse(text)
    except names.InvalidName as error:
        raise InvalidValue(_NAME, f"Here: {error}.") from None


def instead_of_url(text: str) -> str:
    """Advice for a URL, or a name with a port, in the place of a name; empty for other texts."""
    within = name_within(text) if _IN_URL.search(text) else ""
    return f'Write "{within}", the name alone.' if within else ""


def _read_local_name(text: str) -> bytes:
    """Read a name, or a wildcard: ``*.apps.agency.example``."""
    above = text.removeprefix("*.")
    name = read_name(above)
    if above == text:
        return name
    if len(names.WILDCARD + name) > names.MAX_NAME:
        raise InvalidValue(_NAME, "With the wildcard the name is too long.")
    return names.WILDCARD + name


def _read_plain_name(text: str) -> bytes:
    """Read a name that goes into the configs of other programs."""
    name = read_name(text)
    if not _PLAIN_NAME.fullmatch(names.text(name)):
        raise InvalidValue(_PLAIN)
    return name


def _at_least_one_mib(size: ByteSize) -> ByteSize:
    if size < MIB:
        raise InvalidValue('at least "1MiB"')
    return size


def _read_record(text: str) -> RecordText:
    parts = _RECORD.fullmatch(text.strip())
    if parts is None:
        raise InvalidValue(_LOCAL)
    ttl = None if parts[1] is None else int(parts[1])
    if ttl is not None and ttl > _MAX_TTL:
        raise InvalidValue(f"a TTL of at most {_MAX_TTL} seconds")
    return RecordText(ttl, parts[2].upper(), parts[3])


def _read_type(text: str) -> str:
    """Read a record type; one without a known mnemonic is ``TYPEn`` (RFC 3597 section 5)."""
    if codes.parse_type(text) is None:
        raise InvalidValue(_TYPE, did_you_mean(text.upper(), codes.TYPES.values()))
    return text.upper()


def _split_url(text: str) -> tuple[urllib.parse.SplitResult, str]:
    """The parts of a URL, and its host; ValueError where a part is invalid."""
    parts = urllib.parse.urlsplit(text)
    _ = parts.port  # this, too, raises ValueError
    return parts, parts.hostname or ""


def read_url(text: str) -> str:
    """Read an address to fetch from; only TLS keeps others from changing a list on its way."""
    parts, host = _split_url(text)
    if _NOT_IN_URL.search(text) or parts.fragment:
        raise InvalidValue(_URL)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return text
    if not host:
        raise InvalidValue(_URL, _FILE if parts.scheme == "file" else "")
    if parts.username is not None or parts.password is not None:
        raise InvalidValue(_URL, "A user name or password would be shown in logs and reports.")
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidValue(_URL, "Without TLS only a server on this host (127.0.0.1) is asked.")
    if parts.scheme not in ("http", "https"):
        raise InvalidValue(_URL, _FILE)
    return text


def _read_repository(text: str) -> str:
    """Read where a git repository is; only TLS and SSH keep others from holding commits back."""
    if _NOT_IN_URL.search(text):
        raise InvalidValue(_REPOSITORY)
    if text.startswith("/") or not text:
        return text
    parts, host = _split_url(text)
    if parts.scheme not in ("https", "ssh") or not host or host.startswith("-"):
        raise InvalidValue(_REPOSITORY)
    if parts.password is not None or (parts.scheme == "https" and parts.username is not None):
        raise InvalidValue(_REPOSITORY, "A password would be shown in logs and reports.")
    return text


def is_plain_path(text: str) -> bool:
    """Whether a path can go into the configs of other programs."""
    return re.fullmatch(_PATH, text) is not None


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine itself."""
    address = parse_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


ClientAddress = Annotated[Address, reader(_ADDRESS, read_address)]
Prefix = Annotated[Network, reader(_PREFIX, read_prefix)]
DomainName = Annotated[bytes, reader(_NAME, read_name)]
LocalDomainName = Annotated[bytes, reader(_NAME, _read_local_name)]
PlainName = Annotated[bytes, reader(_PLAIN, _read_plain_name)]
CacheSize = Annotated[ByteSize, AfterValidator(_at_least_one_mib)]
Record = Annotated[RecordText, reader(_LOCAL, _read_record)]
SourceUrl = Annotated[str, reader(_URL, read_url)]

_SERVICE = 'a service such as "telegram": lower-case letters, digits and hyphens'
_REFERENCE = 'a service such as "telegram", or a category with @ such as "@messenger"'
_CATEGORY = 'a category such as "messenger": lower-case letters, digits and hyphens'
_KEY = "the name of a TSIG key: lower-case letters, digits and hyphens, 63 at most"
_IDENTIFIER = "a name of 1 to 63 letters, digits, dots, hyphens and underscores"
_LABEL = "It becomes a label of the metrics."
_TYPE = 'a record type such as "A", "AAAA", "HTTPS" or "TYPE65"'
_REPOSITORY = 'a git repository: "https://...", "ssh://USER@HOST/PATH", or a path from /'
_TO_OTHERS = "It goes into the configs of other programs."
_LINE = "one line of text, in quotes"
_SERVER_TEXT = "63 printable ASCII characters at most"

ServiceName = Annotated[str, matching(_SERVICE, "[a-z0-9-]+")]
ServiceReference = Annotated[str, matching(_REFERENCE, "@?[a-z0-9-]+")]
Category = Annotated[str, matching(_CATEGORY, "[a-z0-9-]+")]
KeyName = Annotated[str, matching(_KEY, "[a-z0-9-]{1,63}")]
Identifier = Annotated[str, matching(_IDENTIFIER, "[A-Za-z0-9_.-]{1,63}", _LABEL)]
RecordType = Annotated[str, reader(_TYPE, _read_type, "[A-Za-z][A-Za-z0-9-]*")]
ServerText = Annotated[str, matching(_SERVER_TEXT, "[ -~]{0,63}")]
Branch = Annotated[
    str,
    matching(
        'the name of a branch such as "stable"',
        r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|[/.]$))[A-Za-z0-9][A-Za-z0-9._/-]*",
    ),
]
Repository = Annotated[str, reader(_REPOSITORY, _read_repository)]
Line = Annotated[str, matching(_LINE, f"[^{_CONTROL}]*")]
PlainPath = Annotated[str, matching(PLAIN_PATH, _PATH, _TO_OTHERS)]
"""Unbound's grammar has no escape for a quote, so such characters are refused for all programs."""
SomeLine = Annotated[str, matching(f"{_LINE}, not empty", rf"(?=.*\S)[^{_CONTROL}]*")]
