"""Asking a server one question, as any client does."""

import socket
import subprocess
import time

from dnslib import DNSRecord

_START = 120.0
_PAUSE = 0.005


def addresses(client: str, port: int, name: str) -> list[str] | None:
    """The addresses that a name is answered with; None where there is no usable answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.bind((client, 0))
        try:
            asking.connect(("127.0.0.1", port))
            asking.send(DNSRecord.question(name).pack())
            answer = DNSRecord.parse(asking.recv(4096))
        except OSError:
            return None
    if answer.header.rcode not in (0, 3):
        return None
    return [str(record.rdata) for record in answer.rr]


def first_answer(
    child: "subprocess.Popen[bytes]", client: str, port: int, name: str
) -> list[str] | None:
    """Ask again and again until there is an answer; None if there will be none."""
    until = time.monotonic() + _START
    while time.monotonic() < until:
        if (found := addresses(client, port, name)) is not None:
            return found
        try:
            child.wait(_PAUSE)  # as a pause, and to learn at once that it has ended
        except subprocess.TimeoutExpired:
            continue
        return None
    return None
