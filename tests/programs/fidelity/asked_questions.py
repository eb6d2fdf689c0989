"""The questions: names by types by what a client may set, drawn the same every time."""

import random
from typing import NamedTuple

from tests.programs.attacks import wire
from tests.programs.fidelity.zone_texts import existing, names

TYPES = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "HINFO": 13,
    "MX": 15,
    "TXT": 16,
    "RP": 17,
    "AFSDB": 18,
    "AAAA": 28,
    "LOC": 29,
    "SRV": 33,
    "NAPTR": 35,
    "CERT": 37,
    "DNAME": 39,
    "DS": 43,
    "SSHFP": 44,
    "NSEC": 47,
    "DNSKEY": 48,
    "TLSA": 52,
    "SMIMEA": 53,
    "OPENPGPKEY": 61,
    "SVCB": 64,
    "HTTPS": 65,
    "EUI48": 108,
    "EUI64": 109,
    "URI": 256,
    "CAA": 257,
    "TYPE65280": 65280,
    "TYPE65281": 65281,
    "ANY": 255,
}
AD = 0x0020
_VARIANTS: dict[str, tuple[int, int, bool]] = {
    # flags, EDNS size (0 for no OPT), DO
    "plain": (wire.RD, 0, False),
    "AD": (wire.RD | AD, 0, False),
    "CD": (wire.RD | wire.CD, 0, False),
    "EDNS": (wire.RD, 1232, False),
    "EDNS 4096": (wire.RD, 4096, False),
    "DO": (wire.RD, 1232, True),
    "DO AD": (wire.RD | AD, 1232, True),
    "DO CD": (wire.RD | wire.CD, 1232, True),
}


class Question(NamedTuple):
    """One question as a client asks it."""

    name: str
    type: str
    variant: str
    stream: bool

    @property
    def packet(self) -> bytes:
        flags, size, dnssec_ok = _VARIANTS[self.variant]
        edns = wire.opt(size, dnssec_ok=dnssec_ok) if size else b""
        return wire.question(self.name, TYPES[self.type], ident=0x4DA1, flags=flags, edns=edns)

    @property
    def asked_as(self) -> tuple[str, str, bool, bool]:
        """What makes two questions the same to a cache: name, type, DO, CD."""
        return self.name.lower(), self.type, "DO" in self.variant, "CD" in self.variant

    @property
    def forwarded_as(self) -> tuple[str, str, bool, bool]:
        """What Darban asks Unbound: ANY is resolved as A."""
        name, rtype, dnssec_ok, checking_disabled = self.asked_as
        return name, "A" if rtype == "ANY" else rtype, dnssec_ok, checking_disabled

    def __str__(self) -> str:
        return f"{self.name} {self.type} ({self.variant}{', TCP' if self.stream else ''})"


def draw(count: int) -> list[Question]:
    """So many questions: half of them for records that exist, half for any name and type."""
    drawing = random.Random(25)
    all_names, pairs = names(), existing()
    drawn = []
    for _ in range(count):
        pair = (drawing.choice(all_names), drawing.choice(list(TYPES)))
        name, rtype = drawing.choice(pairs) if drawing.random() < 0.5 else pair
        variant = drawing.choice(list(_VARIANTS))
        drawn.append(Question(name, rtype, variant, drawing.random() < 0.15))
    return drawn
