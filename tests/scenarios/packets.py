"""Packets as a scenario writes them, through dnslib, which no scan of ours is made with."""

from collections.abc import Iterable

from dnslib import (
    EDNS0,
    QTYPE,
    RD,
    RR,
    DNSBuffer,
    DNSHeader,
    DNSLabel,
    DNSQuestion,
    DNSRecord,
    EDNSOption,
)

from tests.scenarios.file import Step

IDENT = 0x4DA1
DNAME = 39
EDE = 15
RCODES = dict(enumerate(("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")))
RCODES |= {6: "YXDOMAIN", 9: "NOTAUTH", 16: "BADVERS", 23: "BADCOOKIE"}
CLASSES = {"IN": 1, "CH": 3, "HS": 4}
COOKIE = EDNSOption(10, b"12345678")


def query(step: Step) -> bytes:
    """The bytes that a step's client sends."""
    if step.packet:
        lines = (line.partition("#")[0] for line in step.packet.splitlines())
        return bytes.fromhex(" ".join(lines))
    asking = step.asking
    header = DNSHeader(id=IDENT, q=1, rd="no-rd" not in asking)
    header.set_cd("cd" in asking)
    header.set_ad("ad" in asking)
    packet = DNSRecord(header, q=question(step.ask))
    if step.size or {"edns", "do", "cookie"} & set(asking):
        options = [COOKIE] if "cookie" in asking else []
        flags = "do" if "do" in asking else ""
        packet.add_ar(EDNS0(udp_len=step.size or 1232, flags=flags, opts=options))
    return bytes(packet.pack())


def question(text: str) -> DNSQuestion:
    name, rtype, *rclass = text.split()
    return DNSQuestion(name, type_number(rtype), CLASSES[rclass[0] if rclass else "IN"])


def type_number(text: str) -> int:
    return int(text[4:]) if text.startswith("TYPE") else int(getattr(QTYPE, text))


def record(line: str) -> RR:
    """A record from a line ``name ttl TYPE data``."""
    name, ttl, rtype, data = line.split(None, 3)
    if rtype == "DNAME":  # dnslib knows it by number alone
        buffer = DNSBuffer()
        buffer.encode_name_nocompress(DNSLabel(data))
        return RR(name, DNAME, ttl=int(ttl), rdata=RD(bytes(buffer.data)))
    if rtype.startswith("TYPE"):
        return RR(name, type_number(rtype), ttl=int(ttl), rdata=RD(bytes.fromhex(data)))
    (parsed,) = RR.fromZone(f"{name} 1 IN {rtype} {data}")
    parsed.ttl = int(ttl)
    return parsed


def normal(lines: Iterable[str]) -> list[str]:
    """Expected lines, printed as records that have come over the wire are."""
    packed = DNSRecord(rr=[record(line) for line in lines]).pack()
    return [shown(item) for item in DNSRecord.parse(packed).rr]


def shown(rr: RR) -> str:
    return f"{rr.rname} {rr.ttl} {QTYPE.get(rr.rtype)} {rr.rdata}"


def set_flags(record: DNSRecord) -> set[str]:
    header = record.header
    return {name for name in ("aa", "tc", "rd", "ra", "ad", "cd") if getattr(header, name)}


def rcode(record: DNSRecord) -> str:
    """The rcode with its upper bits, which stand in the OPT."""
    number = record.header.rcode
    for opt in opts(record):
        number |= opt.ttl >> 24 << 4
    return RCODES.get(number, str(number))


def rcode_number(text: str) -> int:
    return next(number for number, name in RCODES.items() if name == text)


def opts(record: DNSRecord) -> list[RR]:
    return [item for item in record.ar if item.rtype == QTYPE.OPT]


def extended_errors(record: DNSRecord) -> list[str]:
    """Each as its code and its text."""
    options = [option for opt in opts(record) for option in opt.rdata if option.code == EDE]
    return [f"{int.from_bytes(o.data[:2], 'big')} {o.data[2:].decode()}".strip() for o in options]


def error_option(text: str) -> EDNSOption:
    code, _, words = text.partition(" ")
    return EDNSOption(EDE, int(code).to_bytes(2, "big") + words.encode())
