"""Addresses of a blocked service where they cost much."""

import struct
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import ask
from tests.programs.attacks.fake_upstream import Asked, Say, upstream
from tests.programs.attacks.real_server import ROOT, darban

_HTTPS = 65
_AUDITED = "127.0.30.5"
_MORE = """
[policies.audited]
block = ["telegram"]
mode = "audit"
[vlans.audited]
prefixes = ["127.0.30.0/24"]
policy = "audited"
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
    packed = b"".join(struct.pack("!I", each) for each in islice(addresses, _HINTS))
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
        lists = [ROOT / "blocklists"]
        server = stack.enter_context(darban([where], more=_MORE, lists=lists))
        before = server.memory()
        heard = sum(ask(server.port, packet, _AUDITED) is not None for packet in packets)
        grown = server.memory() - before
        began = server.cpu()
        for _ in range(_AGAIN):
            heard += ask(server.port, packets[-1], _AUDITED) is not None
        each = (server.cpu() - began) / _AGAIN
    text = f"{heard} of {_NAMES + _AGAIN} answered; {grown:.0f} MiB more; "
    text += f"{each * 1000:.1f} ms for an answer from the cache"
    good = heard == _NAMES + _AGAIN and grown < _MOST and each <= _BUDGET
    return Seen(good, text)


ATTACKS = (
    Attack("many-hints", f"{_MOST} MiB more and 5 ms each at most", many_hints, quick=False),
)
