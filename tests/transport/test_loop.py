"""The worker's loop: what it attends to by itself takes nothing from what is asyncio's."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import TypeVar

import pytest

from resolver.transport.loop import Loop

Result = TypeVar("Result")
Play = Callable[[Loop], Coroutine[object, object, Result]]
LONG = 30.0
"""Seconds after which a test gives up; nothing here takes a noticeable part of them."""


def run(play: Play[Result]) -> Result:
    loop = Loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(asyncio.wait_for(play(loop), LONG))


class Pair:
    """A socket to attend to, and its other end."""

    def __init__(self) -> None:
        self.end, self.other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.end.setblocking(False)

    @property
    def number(self) -> int:
        return self.end.fileno()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.end.close()
    made.other.close()


@pytest.fixture
def busy(pair: Pair) -> Pair:
    """A socket that is readable for as long as nobody reads from it."""
    pair.other.send(b"always")
    return pair


def test_what_is_readable_is_attended_to(pair: Pair) -> None:
    async def play(loop: Loop) -> bytes:
        read = loop.create_future()
        loop.add_fast_reader(pair.number, lambda: read.set_result(pair.end.recv(9)))
        pair.other.send(b"one")
        return bytes(await read)

    assert run(play) == b"one"


def test_timers_keep_their_time_while_a_socket_is_always_readable(busy: Pair) -> None:
    async def play(loop: Loop) -> float:
        loop.add_fast_reader(busy.number, lambda: None)
        began = loop.time()
        await asyncio.sleep(0.05)
        return loop.time() - began

    assert run(play) >= 0.05


def test_what_came_before_a_timer_was_due_is_read_first(pair: Pair) -> None:
    """Though the loop was held up meanwhile: an answer that is there has not timed out."""

    async def play(loop: Loop) -> list[str]:
        happened: list[str] = []
        over = loop.create_future()
        later = Pair()

        def hold_up() -> None:
            pair.end.recv(9)
            later.other.send(b"in time")
            while loop.time() < due:
                pass

        def read() -> None:
            happened.append(later.end.recv(9).decode())

        def time_out() -> None:
            happened.append("time-out")
            over.set_result(None)

        loop.add_fast_reader(pair.number, hold_up)
        loop.add_fast_reader(later.number, read)
        due = loop.time() + 0.05
        loop.call_at(due, time_out)
        loop.call_soon(pair.other.send, b"go")
        await over
        later.end.close()
        later.other.close()
        return happened

    assert run(play) == ["in time", "time-out"]


def test_tasks_go_on_while_a_socket_is_always_readable(busy: Pair) -> None:
    async def play(loop: Loop) -> int:
        attended = 0

        def attend() -> None:
            nonlocal attended
            attended += 1

        loop.add_fast_reader(busy.number, attend)
        for _ in range(100):
            await asyncio.sleep(0)
        return attended

    assert run(play) >= 99  # once in each of asyncio's rounds, at the least


def test_asyncio_s_own_sockets_are_served_while_a_socket_is_always_readable(busy: Pair) -> None:
    async def play(loop: Loop) -> bytes:
        loop.add_fast_reader(busy.number, lambda: None)
        own, other = socket.socketpair()
        with own, other:
            own.setblocking(False)
            other.send(b"for asyncio")
            return await loop.sock_recv(own, 20)

    assert run(play) == b"for asyncio"


def test_other_threads_are_heard_while_nothing_else_happens(pair: Pair) -> None:
    async def play(loop: Loop) -> str:
        loop.add_fast_reader(pair.number, lambda: None)
        heard = loop.create_future()
        threading.Thread(target=lambda: loop.call_soon_threadsafe(heard.set_result, "yes")).start()
        return str(await heard)

    assert run(play) == "yes"


def test_what_attending_schedules_is_done_though_nothing_else_is_readable(pair: Pair) -> None:
    async def play(loop: Loop) -> list[str]:
        done: list[str] = []
        over = loop.create_future()

        def attend() -> None:
            pair.end.recv(9)
            loop.call_soon(done.append, "soon")
            loop.call_later(0.01, over.set_result, None)

        loop.add_fast_reader(pair.number, attend)
        loop.call_soon(pair.other.send, b"go")
        await over
        return done

    assert run(play) == ["soon"]


def test_a_fault_stops_neither_the_loop_nor_the_others(
    busy: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(loop: Loop) -> int:
        faults = 0
        third = loop.create_future()

        def fail() -> None:
            nonlocal faults
            faults += 1
            if faults == 3:
                loop.remove_fast_reader(busy.number)
                third.set_result(None)
            raise LookupError("the fault")

        loop.add_fast_reader(busy.number, fail)
        await third
        return faults

    assert run(play) == 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3


def test_nobody_is_called_for_a_descriptor_that_one_before_it_closed() -> None:
    pairs = [Pair(), Pair()]

    async def play(loop: Loop) -> list[int]:
        called: list[int] = []
        for place, item in enumerate(pairs):

            def attend(place: int = place) -> None:
                called.append(place)
                for one in pairs:
                    number = one.number
                    one.end.close()
                    loop.remove_closed(number)

            loop.add_fast_reader(item.number, attend)
            item.other.send(b"both are readable")
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        return called

    assert len(run(play)) == 1
    for item in pairs:
        item.other.close()


def test_a_descriptor_s_number_that_is_taken_anew_is_the_new_one_s(pair: Pair) -> None:
    async def play(loop: Loop) -> str:
        heard = loop.create_future()
        loop.add_fast_reader(pair.number, lambda: heard.set_result("the old one"))
        number = pair.number
        pair.end.close()
        loop.remove_closed(number)
        pair.end, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with other:
            loop.add_fast_reader(
                pair.number, lambda: None if heard.done() else heard.set_result("the new one")
            )
            other.send(b"go")
            return str(await heard)

    assert run(play) == "the new one"


def test_every_round_ends_with_what_was_gathered(pair: Pair) -> None:
    async def play(loop: Loop) -> list[bytes]:
        gathered: list[bytes] = []
        sent: list[bytes] = []
        whole = loop.create_future()

        def end() -> None:
            sent.extend(gathered)
            gathered.clear()
            if len(sent) == 2 and not whole.done():
                whole.set_result(None)

        loop.on_iteration_end(end)
        loop.add_fast_reader(pair.number, lambda: gathered.append(pair.end.recv(9)))
        pair.other.send(b"attended")
        loop.call_soon(gathered.append, b"by a task")
        await whole
        return sorted(sent)

    assert run(play) == [b"attended", b"by a task"]


def test_what_a_round_s_end_schedules_does_not_wait_for_what_was_due_later() -> None:
    async def play(loop: Loop) -> list[str]:
        done: list[str] = []
        gathered: list[str] = []
        over = loop.create_future()

        def end() -> None:
            while gathered:
                loop.call_later(0.01, done.append, gathered.pop())
                loop.call_later(0.02, over.set_result, None)

        loop.on_iteration_end(end)
        later = loop.call_later(LONG / 2, done.append, "later")
        loop.call_soon(gathered.append, "soon")
        await over
        late = loop.time() >= later.when()
        later.cancel()
        return ["late"] if late else done

    assert run(play) == ["soon"]


def test_a_fault_at_a_round_s_end_stops_neither_the_loop_nor_the_other_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def play(loop: Loop) -> int:
        ended = 0
        third = loop.create_future()

        def fail() -> None:
            if not third.done():
                raise LookupError("the fault")

        def end() -> None:
            nonlocal ended
            ended += 1
            if ended == 3:
                third.set_result(None)

        loop.on_iteration_end(fail)
        loop.on_iteration_end(end)
        while not third.done():
            await asyncio.sleep(0)
        return ended

    assert run(play) >= 3
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
