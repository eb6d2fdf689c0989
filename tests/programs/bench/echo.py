"""The floor: a UDP server that turns each query round and looks at nothing else.

It drains its socket as Darban's UDP edge does, so what it costs is what the kernel and
Python's socket calls cost; nothing that answers in Python this way can be cheaper.
"""

import asyncio
import contextlib
import socket
import sys


async def _serve(port: int) -> None:
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    listening.bind(("127.0.0.1", port))

    def readable() -> None:
        receive, send = listening.recvfrom, listening.sendto
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):
                packet, client = receive(65535)
                send(packet[:2] + b"\x81\x80" + packet[4:], client)

    asyncio.get_running_loop().add_reader(listening.fileno(), readable)
    await asyncio.Event().wait()


asyncio.run(_serve(int(sys.argv[1])))
