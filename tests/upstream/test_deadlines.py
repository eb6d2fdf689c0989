"""Deadlines: every end is told of once, whatever happens to whoever is told."""

import asyncio
from dataclasses import dataclass

from resolver.upstream.deadlines import Deadlines


@dataclass
class _Numbered:
    number: int
    over: bool = False


def test_a_fault_in_one_end_takes_no_other_with_it() -> None:
    async def ends() -> list[int]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, _context: None)
        told: list[int] = []
        all_told = asyncio.Event()

        def ended(one: _Numbered, now: float) -> None:  # noqa: ARG001 - as it is called
            number = one.number
            told.append(number)
            if len(told) == 5:
                all_told.set()
            if number in (0, 2):
                raise ValueError(number)

        deadlines = Deadlines[_Numbered](loop, ended)
        until = loop.time()
        for number in range(4):
            deadlines.add(until, _Numbered(number))
        deadlines.add(until, _Numbered(5, over=True))
        deadlines.add(until + 0.1, _Numbered(4))
        await asyncio.wait_for(all_told.wait(), 30)
        return told

    told = asyncio.run(ends())
    assert sorted(told) == [0, 1, 2, 3, 4]
    assert told[-1] == 4
