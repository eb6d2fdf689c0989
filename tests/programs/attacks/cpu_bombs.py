"""CPU bombs: packets that are made to take long, given to the pure core in this process."""

import struct
import time
from collections.abc import Callable
from functools import partial

from resolver.dns import names, query, response
from resolver.engine.chain import joined
from resolver.exchange.entry import make_entry
from tests.exchange.rendered_entries import reply
from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen

BUDGET = 0.005


def _best(work: Callable[[], object], times: int = 5) -> float:
    """The seconds of CPU that something takes, at its best; tried less often where that is long."""
    taken: list[float] = []
    while len(taken) < times and sum(taken) < 1:
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return min(taken)


def _options() -> bytes:
    """A query with 4,000 EDNS options."""
    data = struct.pack("!HH", 65001, 0) * 4000
    return wire.question("www.example", edns=wire.opt(data=data))


def _additionals() -> bytes:
    """A query with 5,000 records behind its question."""
    packet = wire.question("www.example")
    return packet[:10] + struct.pack("!H", 5000) + packet[12:] + (b"\x00" + bytes(10)) * 5000


def _labels() -> bytes:
    """A query for the longest name of the shortest labels."""
    return wire.question(b"\x01a" * 127 + b"\x00", edns=wire.opt())


_ASKED = wire.question("www.example", wire.TXT)
_ROOM = 65535
_MOST_RUNS = 393


def _reply(records: list[bytes], answers: int) -> bytes:
    """A reply with as many of these records as there is room for, the first in the answer."""
    size = len(_ASKED)
    kept = []
    for record in records:
        size += len(record)
        if size > _ROOM:
            break
        kept.append(record)
    return wire.reply(_ASKED, kept[:answers], kept[answers:])


def _many_records() -> bytes:
    """4,000 small records of the question's name."""
    return _reply([wire.record(wire.AT_QUESTION, wire.TXT, b"\x01a")] * 5000, 5000)


def _many_allowed() -> bytes:
    """As many records as are still read."""
    records = [wire.record(wire.AT_QUESTION, wire.TXT, b"\x01a")] * response.MAX_RECORDS
    return _reply(records, response.MAX_RECORDS)


def _many_names() -> bytes:
    """The same, each with a name of its own in its owner and in its RDATA."""
    owners = (b"\x04%04d" % n + wire.AT_QUESTION for n in range(response.MAX_RECORDS))
    return _reply([wire.record(owner, wire.NS, b"\x01a" + owner) for owner in owners], 0)


def _of_type(qtype: int, packet: bytes) -> bytes:
    """The same reply to a question of another type."""
    end = len(_ASKED)
    return packet[: end - 4] + struct.pack("!H", qtype) + packet[end - 2 :]


def _many_addresses() -> bytes:
    """As many addresses of the question's name as there is room for, with TTLs that change."""
    records = [wire.record(wire.AT_QUESTION, wire.A, bytes(4), n & 1) for n in range(4095)]
    return _of_type(wire.A, _reply(records, len(records)))


def _many_at_the_end() -> bytes:
    """The same of the name that an alias leads to."""
    alias = wire.record(wire.AT_QUESTION, wire.CNAME, b"\x02lb" + wire.AT_QUESTION)
    end = (0xC000 | len(_ASKED) + 12).to_bytes(2, "big")
    records = [alias, *(wire.record(end, wire.A, bytes(4), n & 1) for n in range(4090))]
    return _of_type(wire.A, _reply(records, len(records)))


def _many_runs() -> bytes:
    """As many RRsets of six addresses as are read."""
    owners = [wire.AT_QUESTION, (0xC000 | 16).to_bytes(2, "big")]
    runs = range(_MOST_RUNS)
    records = [wire.record(owners[n & 1], wire.A, bytes(4), k & 1) for n in runs for k in range(6)]
    return _of_type(wire.A, _reply(records, len(records)))


def _many_alike() -> bytes:
    """As many records of one RRset as are read, each with a name of its own."""
    records = [wire.record(wire.AT_QUESTION, wire.NS, b"\x04%04d\x00" % n) for n in range(1705)]
    return _reply(records, len(records))


def _one_record() -> bytes:
    return _reply([wire.record(wire.AT_QUESTION, wire.TXT, (b"\xff" + b"x" * 255) * 255)], 1)


def _chained(pointers: int, users: list[bytes], kept: bytes) -> bytes:
    """A chain of pointers in a record that nobody reads, and records whose names lead into it."""
    at = len(_ASKED) + len(kept) + 12
    first = b"\x03www\x07example\x00"
    chain = first + b"".join(
        (0xC000 | at + (len(first) + 2 * (n - 1) if n else 0)).to_bytes(2, "big")
        for n in range(pointers)
    )
    end = (0xC000 | at + len(chain) - 2).to_bytes(2, "big")
    hidden = wire.record(wire.AT_QUESTION, 65280, chain)
    return _reply([kept, *(u.replace(b"\xff\xfe", end) for u in [hidden, *users])], 1)


def _pointers() -> bytes:
    """8,000 pointers, each to the one before, and 2,000 names that begin at the last."""
    kept = wire.record(wire.AT_QUESTION, wire.TXT, b"\x01a")
    return _chained(8000, [wire.record(wire.AT_QUESTION, wire.NS, b"\xff\xfe")] * 3500, kept)


def _pointers_beside() -> bytes:
    """The same behind a record that has to be left out, so that all the others are rewritten."""
    beside = wire.record(wire.wire("other.example"), wire.TXT, b"\x01a")
    return _chained(8000, [wire.record(wire.AT_QUESTION, wire.NS, b"\xff\xfe")] * 3500, beside)


def _long_names() -> bytes:
    """Records whose names have 120 labels and point into one another's."""
    name = b"\x01a" * 120 + wire.AT_QUESTION
    first = wire.record(wire.AT_QUESTION, wire.NS, name)
    at = len(_ASKED) + 12
    into = [(0xC000 | at + 2 * (n % 100)).to_bytes(2, "big") for n in range(4000)]
    return _reply([first, *(wire.record(i, wire.NS, i) for i in into)], 0)


def _long_names_led_to() -> bytes:
    """Answers whose names are labels of one another's, and have to be built."""
    name = b"\x01a" * 120 + wire.AT_QUESTION
    first = wire.record(wire.AT_QUESTION, wire.NS, name)
    at = len(_ASKED) + 12
    into = [(0xC000 | at + 2 * (n % 100)).to_bytes(2, "big") for n in range(600)]
    return _reply([first, *(wire.record(i, wire.CNAME, i) for i in into)], 601)


def _names_of_names() -> bytes:
    """Answers whose names are pointers to the name before them."""
    at, before, records = len(_ASKED), len(_ASKED[:12]), []
    for _ in range(response.MAX_RECORDS):
        owner, target = (0xC000 | before).to_bytes(2, "big"), (0xC000 | at).to_bytes(2, "big")
        records.append(wire.record(owner, wire.NS, target))
        before = at + 12
        at += len(records[-1])
    return _reply(records, len(records))


def _names() -> bytes:
    """A thousand records, each with long names of its own."""
    owner = [b"\x03%03d" % n + b"\x3c" + b"b" * 60 + b"\x00" for n in range(1000)]
    return _reply([wire.record(octets, wire.NS, octets) for octets in owner], 0)


_QUERIES = {
    "4,000 options": _options,
    "5,000 additionals": _additionals,
    "127 labels": _labels,
}
_REPLIES = {
    "64 KiB in many records": _many_records,
    "as many records as are read": _many_allowed,
    "as many names as are read": _many_names,
    "as many addresses as there is room for": _many_addresses,
    "as many addresses at the end of an alias": _many_at_the_end,
    "as many records of an RRset as are read": _many_alike,
    "as many RRsets of addresses as are read": _many_runs,
    "64 KiB in one record": _one_record,
    "pointer chain": _pointers,
    "pointer chain beside": _pointers_beside,
    "names within names": _long_names,
    "names within names of answers": _long_names_led_to,
    "names that are names before them": _names_of_names,
    "long names": _names,
}


def _taken(packet: bytes) -> None:
    """All that is done with an upstream's reply, until a client has it."""
    scanned = response.scan(packet)
    if scanned is not None:
        asked = query.scan(_ASKED, {})
        assert asked is not None
        reply(make_entry(scanned, 0.0, True), asked.question, 1.0)


def _joined(packet: bytes) -> None:
    """The same behind an alias."""
    alias = wire.reply(
        wire.question("alias.example", wire.TXT),
        [wire.record(wire.AT_QUESTION, wire.CNAME, wire.wire("www.example"))],
    )
    first, second = response.scan(alias), response.scan(packet)
    if first is not None and second is not None:
        asked = names.parse("alias.example")
        joined(asked, wire.TXT, make_entry(first, 0.0, True), make_entry(second, 0.0, True), 0.0)


def scans() -> dict[str, float]:
    """The seconds that only reading each packet takes."""
    taken = {}
    for name, make in _QUERIES.items():
        packet = make()
        taken[f"query of {name}"] = _best(partial(query.scan, packet, {}))
    for name, make in _REPLIES.items():
        packet = make()
        taken[name] = _best(partial(response.scan, packet))
    return taken


def whole() -> dict[str, float]:
    """The seconds that each reply takes until a client has it: alone, and behind an alias."""
    taken = {}
    for name, make in _REPLIES.items():
        packet = make()
        taken[name] = _best(partial(_taken, packet))
        taken[f"{name} behind an alias"] = _best(partial(_joined, packet))
    return taken


def _judged(taken: dict[str, float]) -> Seen:
    worst = sorted(taken.items(), key=lambda row: -row[1])
    text = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in worst[:3])
    return Seen(worst[0][1] <= BUDGET, f"worst: {text}", late=True)


ATTACKS = (
    Attack("bombs-scan", "5 ms each at most", lambda: _judged(scans()), quick=False),
    Attack("bombs-whole", "5 ms each at most", lambda: _judged(whole()), quick=False),
)
