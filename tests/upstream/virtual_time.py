"""A worker's loop whose clock goes on only when nothing else is left to do.

Sockets are real. A second without packets takes no time, and what happens at which second is
the same on any machine.
"""

import selectors
import socket
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from resolver.transport.loop import Loop

BOOT = 5000.0
"""What the clock shows at the beginning."""
_HOPS = 3
"""Packets that follow from one that was sent: a handshake of TCP has three."""
Result = TypeVar("Result")


class _Selector(selectors.BaseSelector):
    """The loop's own selector, which never waits: instead, the clock goes on."""

    def __init__(self, loop: Loop) -> None:
        self._real = loop._fast_selector
        self.now = BOOT
        self._marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._marker.bind(("127.0.0.1", 0))
        self._marker.connect(self._marker.getsockname())

    def time(self) -> float:
        return self.now

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or self._real.scheduled or self._is_anything_delivered():
            return ready
        assert timeout is not None, "everything waits, and nothing will ever happen"
        self.now += max(timeout, 0.0)
        return ready

    def _is_anything_delivered(self) -> bool:
        """Whether a socket is readable once the kernel has delivered what was sent.

        The loopback interface delivers in order. So after a datagram of our own has come back,
        everything that was sent before it is there.
        """
        for _ in range(_HOPS):
            self._marker.send(b"marker")
            self._marker.recv(16)
        return bool(self._real.epoll.poll(0))

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401 - as the base has it
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401 - as the base has it
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401 - as the base has it
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
        self._marker.close()


def run(play: Callable[[Loop], Coroutine[object, object, Result]]) -> Result:
    """Play to the end, and close what the loop has; an exception in a callback fails the test."""
    loop = Loop()
    faults: list[Mapping[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    selector = _Selector(loop)
    # A compiled loop takes no subclass; asyncio looks these two up on the loop itself.
    loop._selector = selector  # type: ignore[attr-defined]
    loop.time = selector.time  # type: ignore[method-assign]
    try:
        result = loop.run_until_complete(play(loop))
    finally:
        loop.close()
    assert not faults
    return result


def timers(loop: Loop) -> list[str]:
    """The names of what is to be called at some time."""
    scheduled = loop._scheduled  # type: ignore[attr-defined]
    return [getattr(item._callback, "__name__", "") for item in scheduled if not item.cancelled()]
