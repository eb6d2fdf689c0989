"""The address of an upstream server, as processes send it to each other."""

from typing import TypedDict


class ServerAddress(TypedDict):
    """An upstream server whose address is known."""

    name: str
    address: str
    port: int
