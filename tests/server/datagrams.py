"""A socket and a query, of tests that ask over UDP."""

import socket

from dnslib import DNSRecord


def bound(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.bind((address, 0))
    made.setblocking(False)
    return made


def query(name: str, ident: int = 7) -> bytes:
    made = DNSRecord.question(name)
    made.header.id = ident
    return bytes(made.pack())
