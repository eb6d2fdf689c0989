"""A worker's loop whose clock goes on only when nothing else is left to do.

Sockets are real. A second without packets takes no time, and what happens at which second is
the same on any machine.
"""

import selectors
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from typing import Any, TypeVar

from resolver.server.loop import Loop

BOOT = 5000.0
"""What the clock shows at the beginning."""
_PATIENCE = 0.002
"""Real seconds that the kernel may take to deliver what was sent, before the clock goes on."""
Result = TypeVar("Result")


class _Selector(selectors.BaseSelector):
    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop
        self._real = loop._fast_selector

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or self._real.scheduled or self._real._epoll.poll(_PATIENCE):
            return ready
        assert timeout is not None, "everything waits, and nothing will ever happen"
        self._loop.now += max(timeout, 0.0)
        return ready

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


class VirtualLoop(Loop):
    """The loop; ``now`` is its clock, in seconds."""

    def __init__(self) -> None:
        self.now = BOOT
        self.timers: list[str] = []
        """What was to be called at a time, by name, in the order it was said."""
        super().__init__()
        self._selector = _Selector(self)

    def time(self) -> float:
        return self.now

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401 - as the base has it
        context: Context | None = None,
    ) -> Any:  # noqa: ANN401 - as the base has it
        self.timers.append(getattr(callback, "__name__", ""))
        return super().call_at(when, callback, *args, context=context)


def run(play: Callable[[VirtualLoop], Coroutine[object, object, Result]]) -> Result:
    """Play to the end, and close what the loop has."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(play(loop))
    finally:
        loop.close()
