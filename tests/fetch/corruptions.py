"""Two hundred ways in which a download goes wrong, for a list of any format."""

import gzip
import random
from collections.abc import Iterator
from functools import cache

from resolver.lists.acceptance import MAX_LIST_BYTES
from tests.fetch.source_server import chunked, response, zipped
from tests.lists.list_texts import LINES, made

COUNT = 200


@cache
def _bomb() -> bytes:
    return gzip.compress(b"0" * (MAX_LIST_BYTES + 1))


def good(kind: str) -> bytes:
    """A list of a hundred names."""
    return made(kind, 100).encode()


def corrupted(kind: str) -> list[tuple[str, bytes]]:
    """What goes wrong, and what the server says then; COUNT of them, all different."""
    made: dict[bytes, str] = {}
    for what, said in _endless(random.Random(kind), kind):
        made.setdefault(said, what)
        if len(made) == COUNT:
            break
    return [(what, said) for said, what in made.items()]


def _endless(rng: random.Random, kind: str) -> Iterator[tuple[str, bytes]]:
    body = good(kind)
    whole = response(body)
    others = [other for other in LINES if LINES[other] != LINES[kind]]
    yield "a bomb", response(_bomb(), Content_Encoding="gzip")
    yield "too long", response(body, Content_Length=str(MAX_LIST_BYTES + 1))
    yield "no length", response(body, Content_Length="")
    yield "empty", response(b"")
    yield "comments alone", response(b"# nothing\n! at all\n; here\n")
    yield "another encoding", response(body, Content_Encoding="br")
    yield "not packed", response(body, Content_Encoding="gzip")
    yield "packed and not said", response(gzip.compress(body))
    yield "more than one member", response(gzip.compress(body) * 2, Content_Encoding="gzip")
    yield "no response", b""
    yield "not modified", response(b"", status="304 Not Modified", Content_Length="")
    yield "part of it", response(body[:500], status="206 Partial Content")
    for where in ("http://127.0.0.1:1/", "ftp://lists.test/", "/itself", "", "https://u:p@l.test/"):
        yield f"sent on to {where}", response(b"", status="302 Found", Location=where)
    for status in ("204 No Content", "403 Forbidden", "404 Not Found", "500 Oops", "503 Busy"):
        yield status, response(body, status=status)
    for other in others:
        yield f"the format {other}", response(good(other))
    while True:
        cut = rng.randrange(1, len(body) - 1)
        yield f"cut at {cut}", response(body[:cut], Content_Length=str(len(body)))
        yield f"cut at {cut}, in chunks", chunked(body[:cut], end=b"")
        packed = gzip.compress(body, mtime=0)
        cut = rng.randrange(1, len(packed) - 1)
        yield f"packed, cut at {cut}", response(packed[:cut], Content_Encoding="gzip")
        yield (
            f"packed, flipped at {cut}",
            response(_flipped(rng, packed, 10, len(packed)), Content_Encoding="gzip"),
        )
        page = f"<!DOCTYPE html><title>{cut}</title><p>Log in</p>\n".encode()
        yield f"a page, {cut}", rng.choice((response, zipped, chunked))(page + body)
        yield f"binary, {cut}", response(rng.randbytes(rng.randrange(1, 5000)))
        yield f"shrunk, {cut}", response(b"".join(body.splitlines(True)[: rng.randrange(1, 49)]))
        junk = b"".join(rng.randbytes(9).hex().encode() + b" = ?\n" for _ in range(101))
        yield f"mostly rubbish, {cut}", response(body[: rng.randrange(800)] + b"\n" + junk)
        at = whole.index(b"Content-Length")
        yield f"header flipped, {cut}", _flipped(rng, whole, at, at + 15)
        yield f"status flipped, {cut}", _flipped(rng, whole, 9, 12)


def _flipped(rng: random.Random, octets: bytes, start: int, end: int) -> bytes:
    """One bit of a part the other way round."""
    at = rng.randrange(start, end)
    bit = 1 << rng.randrange(8)
    if chr(octets[at]).isalpha():
        bit = 1 << rng.choice((0, 1, 2, 3, 4, 6, 7))  # not the case, which means nothing
    return octets[:at] + bytes([octets[at] ^ bit]) + octets[at + 1 :]
