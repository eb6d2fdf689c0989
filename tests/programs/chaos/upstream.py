"""The upstream: it answers by ``truth``, until a fault makes it do something else."""

import random
from collections.abc import Iterator
from enum import Enum

from tests.programs.attacks import wire
from tests.programs.attacks.fake_upstream import Asked, Say
from tests.programs.chaos.truth import LIE, Truth, address, target, ttl

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
    REFUSING = "refusing"
    UNSOLICITED = "unsolicited"
    """Replies that nobody waits for come after each answer, and the answer again."""


class FaultyUpstream:
    """The scripts of two servers for ``fake_upstream``; their mode can change at any moment."""

    def __init__(self, seed: int, truth: Truth) -> None:
        self.mode = Mode.HONEST
        self.one_only = False
        """Whether the second server is honest in any mode."""
        self._truth = truth
        self._random = random.Random(seed)

    def __call__(self, asked: Asked) -> Iterator[Say]:
        """What the first server says to a question."""
        return self._answer(asked, self.mode)

    def second(self, asked: Asked) -> Iterator[Say]:
        """What the second server says to a question."""
        return self._answer(asked, Mode.HONEST if self.one_only else self.mode)

    def _answer(self, asked: Asked, mode: Mode) -> Iterator[Say]:
        if mode is Mode.HUNG or (mode is Mode.FLAPPING and asked.at % 1.0 >= _HALF):
            return
        if mode is Mode.REFUSING:
            yield Say(wire.reply(asked.packet, rcode=wire.REFUSED))
            return
        records, after = _records(asked), _SLOW if mode is Mode.SLOW else 0.0
        if mode in (Mode.FORGED, Mode.LYING):
            after = _LATE
            records.append(wire.address(wire.wire("www.beside.example"), LIE))
            if mode is Mode.LYING:
                yield Say(self._random.choice(self._lies(asked)))
            elif not asked.stream:
                yield Say(self._random.choice(self._forgeries(asked)))
        right = wire.reply(asked.packet, records)
        self._truth.give(asked.name, asked.qtype, asked.at + after)
        yield Say(right, after)
        if mode is Mode.UNSOLICITED:
            lie = [wire.address(wire.AT_QUESTION, LIE)]
            other = wire.question(asked.name, asked.qtype, ident=asked.ident + 1 & 0xFFFF)
            for packet in (wire.reply(asked.packet, lie), wire.reply(other, lie), right):
                yield Say(packet, _LATE)

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
    data, seconds = address(last, asked.qtype), ttl(asked.name)
    if last == asked.name:
        return [wire.record(wire.AT_QUESTION, asked.qtype, data, seconds)]
    alias = wire.record(wire.AT_QUESTION, wire.CNAME, wire.wire(last), seconds)
    return [alias, wire.record(wire.wire(last), asked.qtype, data, seconds)]
