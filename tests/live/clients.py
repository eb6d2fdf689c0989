"""Asking a server: with dig and kdig as people do, and with bare sockets.

The sockets are for where many queries are sent, and for machines that have neither program.
"""

import re
import socket
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dnslib import EDNS0, QTYPE, RCODE, DNSRecord

_HEADER = re.compile(r"->>HEADER<<- opcode: \w+[,;] status: (\w+)[,;] id: \d+")
_FLAGS = re.compile(r"^;; [Ff]lags: ([a-z ]*);", re.MULTILINE)
_EDE = re.compile(r"EDE: (\d+) \([^)]*\)(?:: [('](.*)[)'])?\s*$", re.MULTILINE)
_EDE_OPTION = 15
_OPTIONS = {
    *("+tcp", "+notcp", "+ignore", "+bufsize=1232"),
    *("+edns", "+noedns", "+dnssec", "+cdflag"),
}
"""The options of dig that are understood without it."""
_SECTION = re.compile(r"^;; (QUESTION|ANSWER|AUTHORITY) SECTION:\n((?:.+\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What dig or kdig printed, in its parts."""

    text: str
    status: str
    flags: frozenset[str]
    question: str
    """The name as the server gave it back."""
    answer: list[str]
    """Records as ``owner TTL class type data``, with single spaces."""
    authority: list[str]
    errors: list[tuple[int, str]] = field(default_factory=list)
    """Extended DNS Errors."""

    @property
    def data(self) -> list[str]:
        """The data of the records of the answer."""
        return [record.split(" ", 4)[4] for record in self.answer]


@dataclass(frozen=True)
class Asker:
    """One of the two programs, or without a program dnslib, asking one server."""

    program: Path | None
    port: int
    server: str = "127.0.0.1"

    def __call__(self, client: str, name: str, rtype: str = "A", *options: str) -> Answer:
        """Ask once, from an address of this host."""
        if self.program is None:
            return self._ask_by_dnslib(client, name, rtype, options)
        once = "+tries=1" if self.program.name == "dig" else "+retry=0"
        command = (self.program, "-b", client, "-p", str(self.port), f"@{self.server}", name, rtype)
        return read(run([*command, "+timeout=5", once, *options]))

    def _ask_by_dnslib(self, client: str, name: str, rtype: str, options: Sequence[str]) -> Answer:
        """Ask as dig does, with those options that the tests give."""
        assert set(options) <= _OPTIONS, "another option: add what it means here"
        query = DNSRecord.question(name, rtype)
        query.header.cd = "+cdflag" in options
        if "+noedns" not in options:
            query.add_ar(EDNS0(flags="do" if "+dnssec" in options else "", udp_len=1232))
        if "+tcp" in options:
            octets = ask_tcp(self.port, [query.pack()], client, self.server)
            return _described(DNSRecord.parse(octets[2:]), "(TCP)")
        response = ask_over_udp(query, (client, self.server), self.port, 5.0)
        assert response is not None, f"no answer: {name} {rtype}"
        if response.header.tc and "+ignore" not in options:
            return self._ask_by_dnslib(client, name, rtype, [*options, "+tcp"])
        return _described(response, "(UDP)")


def run(command: Sequence[str | Path], at: Path | None = None) -> str:
    """What a program prints in a directory; it must end well."""
    done = subprocess.run(command, cwd=at, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def read(text: str) -> Answer:
    """Understand what either program printed."""
    status = _HEADER.search(text)
    flags = _FLAGS.search(text)
    assert status, f"no answer: {text}"
    assert flags, f"no flags: {text}"
    sections = {name: lines.splitlines() for name, lines in _SECTION.findall(text)}
    question = sections.get("QUESTION", [""])[0].lstrip("; ").split()
    return Answer(
        text,
        status[1],
        frozenset(flags[1].split()),
        question[0].removesuffix(".") if question else "",
        _records(sections.get("ANSWER", [])),
        _records(sections.get("AUTHORITY", [])),
        [(int(code), said) for code, said in _EDE.findall(text)],
    )


def _described(response: DNSRecord, transport: str) -> Answer:
    """A response in the parts that dig would print."""
    header = response.header
    flags = ("qr", "aa", "tc", "rd", "ra", "ad", "cd")
    edns = [
        option for record in response.ar if record.rtype == QTYPE.OPT for option in record.rdata
    ]
    errors = [option.data for option in edns if option.code == _EDE_OPTION]
    return Answer(
        f"{response}\n{transport}",
        RCODE[header.rcode],
        frozenset(flag for flag in flags if getattr(header, flag)),
        str(response.q.qname).removesuffix("."),
        _records(map(str, response.rr)),
        _records(map(str, response.auth)),
        [(int.from_bytes(error[:2], "big"), error[2:].decode()) for error in errors],
    )


def _records(lines: Iterable[str]) -> list[str]:
    return [" ".join(line.split(None, 4)) for line in lines]


def ask(
    port: int,
    name: str,
    rtype: str = "A",
    *,
    client: str = "127.0.0.1",
    server: str = "127.0.0.1",
    seconds: float = 1.0,
) -> DNSRecord | None:
    """Ask over UDP from a port of its own; None where no answer comes in time."""
    return ask_over_udp(DNSRecord.question(name, rtype), (client, server), port, seconds)


def ask_over_udp(
    query: DNSRecord, between: tuple[str, str], port: int, seconds: float
) -> DNSRecord | None:
    """Send a query from an address to a server; None where no answer comes in time."""
    family = socket.AF_INET6 if ":" in between[1] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(seconds)
        asking.bind((between[0], 0))
        try:
            asking.connect((between[1], port))
            asking.send(query.pack())
            answer = DNSRecord.parse(asking.recv(65535))
        except OSError:
            return None
    assert answer.header.id == query.header.id
    return answer


def ask_tcp(
    port: int, packets: Sequence[bytes], client: str = "127.0.0.1", server: str = "127.0.0.1"
) -> bytes:
    """Send framed messages over one connection, half-close it, and read to its end."""
    with socket.create_connection(
        (server, port), timeout=10, source_address=(client, 0)
    ) as connection:
        try:
            connection.sendall(b"".join(struct.pack("!H", len(p)) + p for p in packets))
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65535), b""))
        except (ConnectionResetError, BrokenPipeError):
            return b""
