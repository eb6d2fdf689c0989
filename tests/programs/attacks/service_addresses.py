"""Addresses of a blocked service where they cost much, or where a list or a name lifts them."""

import socket
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path

from tests.live.configs import BLOCKLISTS
from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import PUBLICITY, ask, ask_raw
from tests.programs.attacks.fake_upstream import Asked, Say, upstream
from tests.programs.attacks.real_server import Darban, darban

_HTTPS = 65
_ADDRESS = "149.154.167.99"
"""In a range of ``telegram.ip``."""
_AUDITED, _BLOCKS = "127.0.30.5", "127.0.31.5"
_MORE = """
[policies.audited]
block = ["telegram"]
mode = "audit"
[vlans.audited]
prefixes = ["127.0.30.0/24"]
policy = "audited"
[policies.blocks]
block = ["telegram"]
[vlans.blocks]
prefixes = ["127.0.31.0/24"]
policy = "blocks"
"""
_OF_OTHERS = """
[lists.sources.others]
file = "{file}"
format = "adblock"
service = "telegram"
"""

_NAMES, _HINTS, _AGAIN = 900, 16_200, 200
_MOST = 96
"""MiB that a cache of 64 MiB may take with all that belongs to it, as in ``million``."""
_BUDGET = 0.005
"""Seconds of CPU that an answer of 64 KiB may take, as in ``bombs-whole``."""


def _hints() -> bytes:
    """The RDATA of an HTTPS record with as many addresses of Telegram as there is room for."""
    first = [0x5B6C0400, 0x5B6C0800, 0x5B6C0C00, 0x5B6C1000, 0x5B6C1400, 0x5B6C3800]
    addresses = (base + n for n in cycle(range(1024)) for base in first)
    packed = b"".join(struct.pack("!I", number) for number in islice(addresses, _HINTS))
    return b"\0\1\0\0\4" + struct.pack("!H", len(packed)) + packed


def many_hints() -> Seen:
    """900 names of 64 KiB of hints each, in a service's ranges, for a client that is audited."""
    record = wire.record(wire.AT_QUESTION, _HTTPS, _hints(), 86400)

    def script(asked: Asked) -> Iterator[Say]:
        if asked.stream:
            yield Say(wire.reply(asked.packet, [record]))
        else:
            yield Say(wire.reply(asked.packet, flags=wire.TC))

    packets = [wire.question(f"h{n}.example", _HTTPS) for n in range(_NAMES)]
    with ExitStack() as stack:
        where = stack.enter_context(upstream(script)).where
        lists = [BLOCKLISTS]
        server = stack.enter_context(darban([where], more=_MORE, lists=lists))
        before = server.memory()
        heard = sum(ask(server.port, packet, _AUDITED) is not None for packet in packets)
        grown = server.memory() - before
        began = server.cpu()
        for _ in range(_AGAIN):
            heard += ask(server.port, packets[-1], _AUDITED) is not None
        cost = (server.cpu() - began) / _AGAIN
    text = f"{heard} of {_NAMES + _AGAIN} answered; {grown:.0f} MiB more; "
    text += f"{cost * 1000:.1f} ms for an answer from the cache"
    good = heard == _NAMES + _AGAIN and grown < _MOST and cost <= _BUDGET
    return Seen(good, text)


@contextmanager
def _blocking(records: Mapping[str, tuple[int, list[bytes]]], of_others: str) -> Iterator[Darban]:
    """A server with the shipped lists and one of others; upstream, these names have records."""

    def script(asked: Asked) -> Iterable[Say]:
        qtype, answer = records.get(asked.name, (0, []))
        return [Say(wire.reply(asked.packet, answer if asked.qtype == qtype else []))]

    with tempfile.TemporaryDirectory(prefix="darban-attack-") as place, ExitStack() as stack:
        file = Path(place) / "others.txt"
        file.write_text(of_others, encoding="utf-8")
        where = stack.enter_context(upstream(script)).where
        more = _MORE + _OF_OTHERS.format(file=file)
        yield stack.enter_context(darban([where], more=more, lists=[BLOCKLISTS]))


def _got(server: Darban, name: str, qtype: int, address: str, client: str) -> bool:
    """Whether a client got an address, in whatever record."""
    packet = ask_raw(server.port, wire.question(name, qtype), client)
    return packet is not None and socket.inet_aton(address) in packet


def foreign_hints() -> Seen:
    """Hints of a record that leads to a name which Telegram's own list excepts."""
    hint = b"\0\1" + wire.wire("comments.app") + b"\0\4\0\4" + socket.inet_aton(_ADDRESS)
    alias = wire.record(wire.AT_QUESTION, wire.CNAME, wire.wire("comments.app"))
    own = wire.address(wire.wire("comments.app"), _ADDRESS)
    records = {
        "foreign.example": (_HTTPS, [wire.record(wire.AT_QUESTION, _HTTPS, hint)]),
        "both.example": (wire.A, [wire.address(wire.AT_QUESTION, _ADDRESS), alias]),
        "alias.example": (wire.A, [alias, own]),
    }
    with _blocking(records, "||extra.example^\n") as server:
        foreign = [
            _got(server, name, records[name][0], _ADDRESS, client)
            for client in (PUBLICITY, _BLOCKS)
            for name in ("foreign.example", "both.example")
        ]
        excepted = _got(server, "alias.example", wire.A, _ADDRESS, _BLOCKS)
    text = f"{sum(foreign[2:])} of 2 foreign addresses passed on, "
    text += f"the excepted name's {'passed' if excepted else 'NOT passed'}"
    return Seen(foreign[0] and not any(foreign[2:]) and excepted, text)


def list_exceptions() -> Seen:
    """A list of others keeps its names and excepts all that the addresses can stand behind."""
    lead = {
        f"app.example.{top}": (wire.A, [wire.address(wire.AT_QUESTION, _ADDRESS)])
        for top in ("com", "org", "ir")
    }
    exceptions = "".join(f"@@||{name.removeprefix('app.')}^\n" for name in lead)
    with _blocking(lead, "||extra.example^\n" + exceptions) as server:
        opened = sum(_got(server, name, wire.A, _ADDRESS, PUBLICITY) for name in lead)
        passed = sum(_got(server, name, wire.A, _ADDRESS, _BLOCKS) for name in lead)
    text = f"{passed} of {len(lead)} passed on, {opened} to another VLAN"
    return Seen(not passed and opened == len(lead), text)


def protected_alias() -> Seen:
    """A list of others blocks the name that an update's name is an alias of."""
    target = wire.wire("dl.akadns.example")
    answer = [
        wire.record(wire.AT_QUESTION, wire.CNAME, target),
        wire.address(target, "192.0.2.1"),
    ]
    protected = ("download.windowsupdate.com", "swcdn.apple.com")
    records = dict.fromkeys((*protected, "www.example"), (wire.A, answer))
    with _blocking(records, "||akadns.example^\n||windowsupdate.com^\n") as server:
        passed = sum(_got(server, name, wire.A, "192.0.2.1", _BLOCKS) for name in protected)
        other = _got(server, "www.example", wire.A, "192.0.2.1", _BLOCKS)
    text = f"{passed} of {len(protected)} protected names answered, "
    text += f"another name with the same target {'PASSED' if other else 'blocked'}"
    return Seen(passed == len(protected) and not other, text)


ATTACKS = (
    Attack("many-hints", f"{_MOST} MiB more and 5 ms each at most", many_hints, quick=False),
    Attack("foreign-hints", "none passed on, the excepted name's own is", foreign_hints),
    Attack("list-range-exceptions", "none passed on, all to another VLAN", list_exceptions),
    Attack("protected-alias", "all protected names answered, no other", protected_alias),
)
