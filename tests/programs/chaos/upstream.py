"""The upstream: it answers by ``truth``, until a fault makes it do something else."""

import random
from collections.abc import Iterator
from enum import Enum

from tests.programs.attacks import wire
from tests.programs.attacks.fake_upstream import Asked, Say
from tests.programs.chaos.truth import LIE, TTL, address, target

_SLOW = 0.8
_LATE = 0.01
_HALF = 0.5
_GARBAGE = 40


class Mode(Enum):
    """What the upstream does."""

    HONEST = "honest"
    HUNG = "hung"
    FLAPPING = "flapping"
    """Silent for every second half of a second."""
    FORGED = "forged"
    """Somebody's forgeries come by UDP before each answer."""
    LYING = "lying"
    """It says something else before each answer, also over TCP."""
    SLOW = "slow"


class FaultyUpstream:
    """A script for ``fake_upstream`` whose mode can change at any moment."""

    def __init__(self, seed: int) -> None:
        self.mode = Mode.HONEST
        self._random = random.Random(seed)

    def __call__(self, asked: Asked) -> Iterator[Say]:
        """What to say to a question."""
        if self.mode is Mode.HUNG or (self.mode is Mode.FLAPPING and asked.at % 1.0 >= _HALF):
            return
        records, after = _records(asked), 0.0
        if self.mode is Mode.SLOW:
            after = _SLOW
        if self.mode in (Mode.FORGED, Mode.LYING):
            after = _LATE
            records.append(wire.address(wire.wire("www.beside.example"), LIE))
            if self.mode is Mode.LYING:
                yield Say(self._random.choice(self._lies(asked)))
            elif not asked.stream:
                yield Say(self._random.choice(self._forgeries(asked)))
        yield Say(wire.reply(asked.packet, records), after)

    def _forgeries(self, asked: Asked) -> list[bytes]:
        """What somebody sends who does not know the ID."""
        lie = [wire.address(wire.AT_QUESTION, LIE)]
        ident = asked.ident ^ self._random.randrange(1, 65536)
        other = wire.question(f"x{asked.name}", asked.qtype, ident=ident)
        garbage = ident.to_bytes(2, "big") + self._random.randbytes(_GARBAGE)
        return [wire.reply(asked.packet, lie, ident=ident), wire.reply(other, lie), garbage]

    def _lies(self, asked: Asked) -> list[bytes]:
        """What only the server itself can send: with the right ID, and not an answer."""
        lie = [wire.address(wire.AT_QUESTION, LIE)]
        other = wire.question(f"x{asked.name}", asked.qtype, ident=asked.ident)
        return [
            *self._forgeries(asked),
            wire.reply(other, lie),
            asked.packet[:2] + self._random.randbytes(_GARBAGE),
            wire.reply(asked.packet, lie)[: -self._random.randrange(1, 20)],
        ]


def _records(asked: Asked) -> list[bytes]:
    """The answer section that is true."""
    last = target(asked.name)
    if asked.qtype not in (wire.A, wire.AAAA):
        return []
    data = address(last, asked.qtype)
    if last == asked.name:
        return [wire.record(wire.AT_QUESTION, asked.qtype, data, TTL)]
    alias = wire.record(wire.AT_QUESTION, wire.CNAME, wire.wire(last), TTL)
    return [alias, wire.record(wire.wire(last), asked.qtype, data, TTL)]
