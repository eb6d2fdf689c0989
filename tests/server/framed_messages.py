"""Messages over TCP, as they come from a connection."""

from dnslib import DNSRecord


def messages(names: list[str]) -> bytes:
    packets = [bytes(DNSRecord.question(name).pack()) for name in names]
    return b"".join(len(p).to_bytes(2, "big") + p for p in packets)
