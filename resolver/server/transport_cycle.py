"""Free asyncio's transports by reference counting.

Workers collect cycles among their youngest objects only, and a connection is seldom young
when it ends. asyncio's selector transport holds a bound method of its own.
"""

import asyncio


def break_cycle(loop: asyncio.AbstractEventLoop, transport: asyncio.BaseTransport | None) -> None:
    """Free a transport whose connection is lost, once asyncio no longer needs it."""
    if transport is not None:
        loop.call_soon(vars(transport).pop, "_read_ready_cb", None)
