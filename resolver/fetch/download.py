"""One list, fetched over HTTPS into a file, within bounds.

Nothing of it is believed: not its size, not its length, not where it sends on to. What cannot
be known to be whole is not taken: a response has to say its length, or to come in chunks.
"""

import hashlib
import http
import ssl
import urllib.parse
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import aiohttp
from aiohttp.resolver import AsyncResolver

from resolver import __version__
from resolver.errors import DarbanError
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.policy.compiled import Endpoint

_REDIRECTIONS = 5
_SENT_ON = (301, 302, 303, 307, 308)
_TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=15, sock_read=30)
_PIECE = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS
_LONGEST_MARK = 512
"""Characters of an ETag or a date that are remembered."""

Progress = Callable[[int, int | None], None]
"""Octets that have come, and how many there will be, where that is known."""


class FetchError(DarbanError):
    """A list could not be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class Download:
    """What has come."""

    sha256: str
    etag: str
    modified: str


def open_session(servers: list[Endpoint]) -> aiohttp.ClientSession:
    """What to fetch with; hosts are looked up at these servers, and nowhere else."""
    looking_up = AsyncResolver(nameservers=[str(each) for each in servers], timeout=5.0, tries=2)
    connector = aiohttp.TCPConnector(
        resolver=looking_up, ssl=ssl.create_default_context(), limit_per_host=2, force_close=True
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=_TIMEOUT,
        auto_decompress=False,  # within bounds, below
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"darban/{__version__}", "Accept-Encoding": "gzip"},
    )


async def fetch(
    client: aiohttp.ClientSession,
    url: str,
    known: Mapping[str, str],
    into: Path,
    progress: Progress,
) -> Download | None:
    """Fetch a list into a file; None where it is the one that is known.

    Args:
        client: Made by ``session``.
        url: Where it is.
        known: Headers that say which one is at hand; empty where there is none.
        into: The file to write.
        progress: Told of every piece that comes.

    Raises:
        NotFetched: it did not come, or not whole.
    """
    try:
        return await _fetch(client, url, known, into, progress)
    except aiohttp.ClientConnectorDNSError as error:
        raise FetchError(f"the host '{error.host}' has no address now") from None
    except aiohttp.ClientConnectorError as error:
        reason = str(error.os_error.strerror or error.os_error)
        raise FetchError(f"no connection to {error.host}:{error.port}: {reason}") from None
    except TimeoutError:
        raise FetchError("it took too long") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise FetchError(f"{_name_of(error)}: {_first_line(error)}") from None
    except OSError as error:
        raise FetchError(f"{error.strerror or error}") from None


async def _fetch(
    client: aiohttp.ClientSession,
    url: str,
    known: Mapping[str, str],
    into: Path,
    progress: Progress,
) -> Download | None:
    for _ in range(_REDIRECTIONS + 1):
        async with client.get(url, headers=known, allow_redirects=False) as response:
            if response.status in _SENT_ON:
                url = _onward(url, response.headers.get("Location", ""))
                continue
            if response.status == http.HTTPStatus.NOT_MODIFIED and known:
                return None
            if response.status != http.HTTPStatus.OK:
                raise FetchError(f"the server says {response.status} {response.reason}")
            with into.open("wb") as file:
                sha256 = await _receive(response, file, progress)
            return Download(
                sha256,
                _mark(response.headers.get("ETag", "")),
                _mark(response.headers.get("Last-Modified", "")),
            )
    raise FetchError(f"it was sent on more than {_REDIRECTIONS} times")


def _onward(url: str, location: str) -> str:
    """Where a redirection leads, where it may lead there."""
    onward = urllib.parse.urljoin(url, location)
    parts = urllib.parse.urlsplit(onward)
    if not location or parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise FetchError(f"it is sent on to '{location[:200]}', which is no place of HTTPS")
    return onward


async def _receive(response: aiohttp.ClientResponse, file: BinaryIO, progress: Progress) -> str:
    length = response.content_length
    chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
    if length is None and not chunked:
        raise FetchError("the server does not say how long it is: it may be cut short")
    if length is not None and length > MAX_LIST_BYTES:
        raise FetchError(f"it is larger than {MAX_LIST_BYTES >> 20} MiB: {length} octets")
    unpack = _unpacking(response.headers.get("Content-Encoding", ""))
    digest = hashlib.sha256()
    arrived = size = 0
    async for piece in response.content.iter_chunked(_PIECE):
        arrived += len(piece)
        for octets in unpack.take(piece):
            size += len(octets)
            if size > MAX_LIST_BYTES:
                raise FetchError(
                    f"it is larger than {MAX_LIST_BYTES >> 20} MiB when it is unpacked"
                )
            digest.update(octets)
            file.write(octets)
        progress(arrived, length)
    if not unpack.complete:
        raise FetchError("its compressed data is cut short, or more follows it")
    return digest.hexdigest()


class _AsIs:
    """Data that is not compressed."""

    complete = True

    def take(self, piece: bytes) -> Iterator[bytes]:
        yield piece


class _Gzip:
    """Unpacks, never more than a little at a time."""

    def __init__(self) -> None:
        self._unpack = zlib.decompressobj(_GZIP)
        self._trailing = False

    @property
    def complete(self) -> bool:
        return self._unpack.eof and not self._unpack.unused_data and not self._trailing

    def take(self, piece: bytes) -> Iterator[bytes]:
        self._trailing |= self._unpack.eof
        while not self._unpack.eof:
            try:
                octets = self._unpack.decompress(piece, _PIECE)
            except zlib.error:
                raise FetchError("its compressed data is damaged") from None
            yield octets
            piece = self._unpack.unconsumed_tail
            if not piece and len(octets) < _PIECE:
                return


def _unpacking(encoding: str) -> _AsIs | _Gzip:
    match encoding.strip().lower():
        case "" | "identity":
            return _AsIs()
        case "gzip" | "x-gzip":
            return _Gzip()
    raise FetchError(f"it is encoded as '{encoding[:50]}', which was not asked for")


def _mark(text: str) -> str:
    """A header that is sent back the next time."""
    return text if len(text) <= _LONGEST_MARK and text.isprintable() else ""


def _name_of(error: Exception) -> str:
    return type(error).__name__


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
