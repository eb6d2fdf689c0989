"""What is left of a stream towards an upstream that has ended: nothing."""

import asyncio
import gc
import weakref

import pytest

from resolver.upstream import tcp_connections
from resolver.upstream.tcp_connections import Stream


class _Ended(asyncio.Transport):
    def write(self, data: object) -> None:
        pass

    def writelines(self, list_of_data: object) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_stream_that_has_idled_out_is_freed_without_a_look_for_cycles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_connections, "IDLE", 0.0)

    async def idled() -> "weakref.ref[Stream[str]]":
        lost = asyncio.Event()
        stream = Stream[str](lambda *_: None, lambda _: lost.set())
        stream.connection_made(_Ended())
        stream.leave(stream.send(b"query", "somebody"))
        await asyncio.wait_for(lost.wait(), 10)
        return weakref.ref(stream)

    gc.disable()  # as a worker has it
    try:
        assert asyncio.run(idled())() is None
    finally:
        gc.enable()
