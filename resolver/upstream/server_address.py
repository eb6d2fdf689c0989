"""The address of an upstream server, as the supervisor sends it to the workers."""

from typing import TypedDict


class ServerAddress(TypedDict):
    """An upstream server: its name in the config and in metrics, its address and its port.

    ``believed``: whether its AD is passed on. ``source``: the address of this host that queries to
    it leave from; empty for any.
    """

    name: str
    address: str
    port: int
    believed: bool
    source: str
