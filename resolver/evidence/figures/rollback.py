"""Undo, in a copy, what a killed writer of a SQLite file has begun. Pure.

The journal beside the file has the pages as they were, in segments. Each segment has a header:
https://sqlite.org/fileformat.html#the_rollback_journal
"""

import struct
from typing import Final

_MAGIC: Final = bytes.fromhex("d9d505f920a163d7")
_HEADER: Final = struct.Struct(">8s5I")
_TO_THE_END: Final = 0xFFFFFFFF
_PAGES: Final = {1 << bits for bits in range(9, 17)}
_SUMMED: Final = 200
"""The checksum of a page has each octet at this distance, from the end."""


def rolled_back(content: bytes, journal: bytes) -> bytes:
    """The content of a file before the transaction whose journal this is."""
    pages, offset, is_first = bytearray(content), 0, True
    while len(journal) >= offset + _HEADER.size:
        magic, count, nonce, original, sector, size = _HEADER.unpack_from(journal, offset)
        if magic != _MAGIC or size not in _PAGES or not sector:
            break
        if is_first:
            del pages[original * size :]
            is_first = False
        offset += sector
        length = size + 8
        if count == _TO_THE_END:
            count = (len(journal) - offset) // length
        for _ in range(min(count, (len(journal) - offset) // length)):
            (number,) = struct.unpack_from(">I", journal, offset)
            page = journal[offset + 4 : offset + 4 + size]
            (checksum,) = struct.unpack_from(">I", journal, offset + 4 + size)
            if not number or checksum != _checksum(nonce, page):
                return bytes(pages)  # this record was not written whole, nor any after it
            if number * size <= len(pages):
                pages[(number - 1) * size : number * size] = page
            offset += length
        offset += -offset % sector
    return bytes(pages)


def _checksum(nonce: int, page: bytes) -> int:
    return (nonce + sum(page[len(page) - _SUMMED : 0 : -_SUMMED])) & 0xFFFFFFFF
