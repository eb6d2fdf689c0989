"""Bundles of git that are small and hold large objects, as no git would write them."""

import hashlib
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

MIB = 1 << 20
_COMMIT, _TREE, _BLOB, _DELTA = 1, 2, 3, 7
_LONGEST_COPY = 0xFFFFFF
_HEADERS = "author a <a@b> 1700000000 +0000\ncommitter a <a@b> 1700000000 +0000\n\n"


def deltas(path: Path, mebibytes: int) -> None:
    """Two blobs of so many MiB, of which the pack says that they repeat one of a MiB."""
    base = b"a" * MIB
    packed, entries = [_packed(_BLOB, base)], b""
    for number in range(2):
        pieces = [*[base] * (mebibytes - 1), base[number:]]
        size = mebibytes * MIB - number
        delta = _size(len(base)) + _size(size) + _copies(size, len(base))
        packed.append(_head(_DELTA, len(delta)) + _id("blob", base) + zlib.compress(delta, 9))
        entries += b"100644 f%d\0" % number + _hash("blob", size, pieces)
    tree = _id("tree", entries)
    commit = f"tree {tree.hex()}\n{_HEADERS}".encode()
    packed += [_packed(_TREE, entries), _packed(_COMMIT, commit)]
    _write(path, packed, _id("commit", commit))


def message(path: Path, mebibytes: int) -> None:
    """A commit with a message of so many MiB."""
    start = f"tree {_id('tree', b'').hex()}\n{_HEADERS}".encode()
    pieces = [start, *[b"a" * MIB] * mebibytes]
    size = len(start) + mebibytes * MIB
    squeeze = zlib.compressobj(9)
    body = b"".join([*map(squeeze.compress, pieces), squeeze.flush()])
    packed = [_packed(_TREE, b""), _head(_COMMIT, size) + body]
    _write(path, packed, _hash("commit", size, pieces))


def _write(path: Path, packed: list[bytes], tip: bytes) -> None:
    pack = b"PACK" + struct.pack(">II", 2, len(packed)) + b"".join(packed)
    head = f"# v2 git bundle\n{tip.hex()} refs/heads/stable\n\n".encode()
    path.write_bytes(head + pack + hashlib.sha1(pack).digest())


def _packed(kind: int, content: bytes) -> bytes:
    return _head(kind, len(content)) + zlib.compress(content, 9)


def _id(kind: str, content: bytes) -> bytes:
    return _hash(kind, len(content), [content])


def _hash(kind: str, size: int, pieces: Iterable[bytes]) -> bytes:
    digest = hashlib.sha1(f"{kind} {size}\0".encode())
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _head(kind: int, size: int) -> bytes:
    """The type and the size of an object in a pack (gitformat-pack(5))."""
    first, rest = kind << 4 | size & 15, size >> 4
    return bytes([first | 0x80]) + _size(rest) if rest else bytes([first])


def _size(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def _copies(size: int, base: int) -> bytes:
    """The instructions of a delta that copy the base until there are so many octets."""
    step = min(base, _LONGEST_COPY)
    lengths = [step] * (size // step) + [size % step] * (size % step > 0)
    return b"".join(b"\xf0" + length.to_bytes(3, "little") for length in lengths)
