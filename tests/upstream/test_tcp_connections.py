"""What is left of a TCP connection to an upstream that has ended: nothing."""

import asyncio
import gc
import socket

from resolver.engine.servers import Server
from resolver.server.loop import Loop
from resolver.upstream.tcp_connections import IDLE, TcpConnection, TcpConnectionPool
from tests.upstream.virtual_time import run


def test_a_connection_that_has_idled_out_is_freed_without_a_look_for_cycles() -> None:
    async def play(loop: Loop) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            server = Server("127.0.0.1", listening.getsockname()[1], "upstream")
            lost: list[None] = []
            pool = TcpConnectionPool[str](
                loop, server, lambda *_: None, lambda _: lost.append(None)
            )
            sent = pool.send(b"query", "somebody")
            assert sent is not None
            connection, ident = sent
            await asyncio.sleep(1)
            connection.stop_waiting(ident)
            await asyncio.sleep(IDLE / 2)
            assert not lost
            await asyncio.sleep(IDLE)
            assert lost

    gc.collect()
    gc.disable()  # as a worker has it
    try:
        run(play)
        assert not any(isinstance(each, TcpConnection) for each in gc.get_objects())
    finally:
        gc.enable()
