"""Asking a server many questions over one socket, so many at a time."""

import socket
import struct
from collections.abc import Sequence

from dnslib import QTYPE

_IN_FLIGHT = 100
_PATIENCE = 1.0
_TRIES = 20
_OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"

Question = tuple[str, str]
"""Name and type."""


def answers(port: int, client: str, questions: Sequence[Question]) -> list[bytes]:
    """Each question's answer, in their order; what is lost is asked again."""
    got: dict[int, bytes] = {}
    waiting: dict[int, int] = {}
    packets = [_packet(*question) for question in questions]
    left = iter(range(len(packets)))
    tries = _TRIES
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_PATIENCE)
        asking.bind((client, 0))
        asking.connect(("127.0.0.1", port))
        while len(got) < len(packets):
            for number in left:
                waiting[number & 0xFFFF] = number
                asking.send(struct.pack("!H", number & 0xFFFF) + packets[number])
                if len(waiting) >= _IN_FLIGHT:
                    break
            try:
                answer = asking.recv(4096)
            except TimeoutError:
                tries -= 1
                assert tries, f"no answer to {[questions[n] for n in waiting.values()]}"
                for ident, number in waiting.items():
                    asking.send(struct.pack("!H", ident) + packets[number])
                continue
            number = waiting.pop(answer[0] << 8 | answer[1], -1)
            if number >= 0:  # else it was asked twice
                assert (
                    answer[12 : len(packets[number]) + 2 - len(_OPT)]
                    == packets[number][10 : -len(_OPT)]
                )
                got[number] = answer
    return [got[number] for number in range(len(packets))]


def _packet(name: str, rtype: str) -> bytes:
    """A query with an OPT, without its ID."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    qtype = getattr(QTYPE, rtype)
    question = labels + b"\x00" + struct.pack("!HH", qtype, 1)
    return b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01" + question + _OPT
