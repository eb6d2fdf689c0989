"""Download one list over HTTPS into a file, within bounds.

Nothing of a response is trusted: not its size, not its length, not where it redirects to. A server
on the Internet must not lead this one to addresses of this network, so after a public address only
public ones are connected to. A response that may be cut short is refused: it must have a length, or
come in chunks.
"""

import contextlib
import errno
import hashlib
import http
import socket
import ssl
import urllib.parse
import zlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import BinaryIO

import aiohttp
from aiohttp import AddrInfoType
from aiohttp.resolver import AsyncResolver

from resolver import DarbanError, __version__
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.policy.settings import Endpoint
from resolver.snapshot.authorities import trust
from resolver.transport.tcp_options import limit_segments

_MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=15, sock_read=30)
_PIECE = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS
_MAX_VALIDATOR = 512
"""Characters of an ETag or a date that are kept."""


class FetchError(DarbanError):
    """A list could not be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was downloaded."""

    sha256: str
    etag: str
    modified: str


@dataclass(slots=True)
class _Route:
    """The way of one download."""

    redirected: bool = False
    public: bool = False
    """Whether it has led to a public address."""


_route: ContextVar[_Route] = ContextVar("_route")


def open_session(servers: list[Endpoint], ca_file: Path | None) -> aiohttp.ClientSession:
    """A client that resolves hosts at these name servers alone.

    It trusts the authorities of the system, and those of ``ca_file``.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        trust(context, ca_file)
    resolver = AsyncResolver(
        nameservers=[server.name_server for server in servers], timeout=5.0, tries=2
    )
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        ssl=context,
        limit_per_host=2,
        force_close=True,
        socket_factory=_open_socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=_TIMEOUT,
        auto_decompress=False,  # ``_Gzip`` does, within bounds
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"darban/{__version__}", "Accept-Encoding": "gzip"},
    )


async def fetch(
    client: aiohttp.ClientSession,
    url: str,
    known: Mapping[str, str],
    into: Path,
) -> Download | None:
    """Download a list into a file; None where it has not changed.

    Args:
        client: Made by ``open_session``.
        url: Where the list is.
        known: Headers with the validators of the copy; empty where there is none.
        into: The file to write.

    Raises:
        FetchError: the list did not arrive, or not whole.
    """
    route = _Route()
    _route.set(route)
    with _fetch_errors():
        for _ in range(_MAX_REDIRECTS + 1):
            async with client.get(url, headers=known, allow_redirects=False) as response:
                if response.status in _REDIRECTS:
                    url = _redirect(url, response.headers.get("Location", ""))
                    route.redirected = True
                    continue
                if response.status == http.HTTPStatus.NOT_MODIFIED and known:
                    return None
                if response.status != http.HTTPStatus.OK:
                    raise FetchError(f"the server answers {response.status} {response.reason}")
                with into.open("wb") as file:
                    sha256 = await _receive(response, file)
                etag = _validator(response.headers.get("ETag"))
                modified = _validator(response.headers.get("Last-Modified"))
                return Download(sha256, etag, modified)
        raise FetchError(f"it was redirected more than {_MAX_REDIRECTS} times")


def _open_socket(to: AddrInfoType) -> socket.socket:
    """A socket to an address, unless a redirect has led there from a public one to a private."""
    family, kind, protocol, _, (address, *_) = to
    route = _route.get()
    if _is_public(str(address)):
        route.public = True
    elif route.public and route.redirected:
        reason = f"a redirect from a public address to {address} is not followed"
        raise OSError(errno.EACCES, reason)
    made = socket.socket(family, kind, protocol)
    limit_segments(made)
    return made


def _is_public(text: str) -> bool:
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_global


@contextlib.contextmanager
def _fetch_errors() -> Iterator[None]:
    """Turn every failure of a download into a FetchError."""
    try:
        yield
    except aiohttp.ClientConnectorDNSError as error:
        raise FetchError(f"the host '{error.host}' has no address now") from None
    except aiohttp.ClientConnectorError as error:
        reason = str(error.os_error.strerror or error.os_error)
        raise FetchError(f"no connection to {error.host}:{error.port}: {reason}") from None
    except TimeoutError:
        raise FetchError("it took too long") from None
    except (aiohttp.ClientError, ValueError) as error:
        first_line = str(error).partition("\n")[0][:200]
        raise FetchError(f"{type(error).__name__}: {first_line}") from None
    except OSError as error:
        raise FetchError(f"{error.strerror or error}") from None


def _redirect(url: str, location: str) -> str:
    """The address that a redirect leads to; only HTTPS is followed."""
    target = urllib.parse.urljoin(url, location)
    parts = urllib.parse.urlsplit(target)
    if not location or parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise FetchError(f"it is redirected to '{location[:200]}', which is not an HTTPS address")
    return target


async def _receive(response: aiohttp.ClientResponse, file: BinaryIO) -> str:
    length = response.content_length
    chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
    if length is None and not chunked:
        raise FetchError("the response has no length: it may be cut short")
    if length is not None and length > MAX_LIST_BYTES:
        raise FetchError(f"it is larger than {MAX_LIST_BYTES >> 20} MiB: {length} octets")
    decompress = _decompressor(response.headers.get("Content-Encoding", ""))
    digest = hashlib.sha256()
    size = 0
    async for piece in response.content.iter_chunked(_PIECE):
        for octets in decompress.take(piece):
            size += len(octets)
            if size > MAX_LIST_BYTES:
                raise FetchError(
                    f"it is larger than {MAX_LIST_BYTES >> 20} MiB when it is decompressed"
                )
            digest.update(octets)
            file.write(octets)
    if not decompress.complete:
        raise FetchError("its compressed data is cut short, or more follows it")
    return digest.hexdigest()


class _Identity:
    """Data that is not compressed."""

    complete = True

    def take(self, piece: bytes) -> Iterator[bytes]:
        yield piece


class _Gzip:
    """Decompresses, one piece of bounded size at a time."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)
        self._trailing = False

    @property
    def complete(self) -> bool:
        return self._stream.eof and not self._stream.unused_data and not self._trailing

    def take(self, piece: bytes) -> Iterator[bytes]:
        self._trailing |= self._stream.eof
        while not self._stream.eof:
            try:
                octets = self._stream.decompress(piece, _PIECE)
            except zlib.error:
                raise FetchError("its compressed data is damaged") from None
            yield octets
            piece = self._stream.unconsumed_tail
            if not piece and len(octets) < _PIECE:
                return


def _decompressor(encoding: str) -> _Identity | _Gzip:
    match encoding.strip().lower():
        case "" | "identity":
            return _Identity()
        case "gzip" | "x-gzip":
            return _Gzip()
    raise FetchError(f"it is encoded as '{encoding[:50]}', which was not requested")


def _validator(text: str | None) -> str:
    """The value of a header that is sent back the next time."""
    return text if text and len(text) <= _MAX_VALIDATOR and text.isprintable() else ""
