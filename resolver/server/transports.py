"""Letting go of asyncio's transports, so that they are freed without the cycle collector.

Workers look for cycles among their youngest objects only, and a connection is seldom young
when it ends. asyncio's selector transport holds a bound method of its own.
"""

import asyncio


def let_go(loop: asyncio.AbstractEventLoop, transport: asyncio.BaseTransport | None) -> None:
    """Free a transport whose connection is lost, once asyncio has done with it."""
    if transport is not None:
        loop.call_soon(vars(transport).pop, "_read_ready_cb", None)
