"""Free asyncio's transports by reference counting.

asyncio's selector transport holds a bound method of its own: a reference cycle. Workers collect
only cycles of young objects, and a connection is rarely young when it ends.
"""

import asyncio


def break_cycle(loop: asyncio.AbstractEventLoop, transport: asyncio.BaseTransport | None) -> None:
    """Free the transport of a lost connection as soon as asyncio has finished with it."""
    if transport is not None:
        loop.call_soon(vars(transport).pop, "_read_ready_cb", None)
