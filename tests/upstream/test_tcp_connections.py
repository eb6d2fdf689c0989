"""What is left of a TCP connection to an upstream that has ended: nothing."""

import asyncio
import gc
import weakref

import pytest

from resolver.upstream import tcp_connections
from resolver.upstream.tcp_connections import TcpConnection


class _Ended(asyncio.Transport):
    def write(self, data: object) -> None:
        pass

    def writelines(self, list_of_data: object) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_connection_that_has_idled_out_is_freed_without_a_look_for_cycles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp_connections, "IDLE", 0.0)

    async def idled() -> "weakref.ref[TcpConnection[str]]":
        lost = asyncio.Event()
        connection = TcpConnection[str](lambda *_: None, lambda _: lost.set())
        connection.connection_made(_Ended())
        connection.stop_waiting(connection.send(b"query", "somebody"))
        await asyncio.wait_for(lost.wait(), 10)
        return weakref.ref(connection)

    gc.disable()  # as a worker has it
    try:
        assert asyncio.run(idled())() is None
    finally:
        gc.enable()
