"""The network interfaces of this host."""

import socket
import sys


def interface_name(scope: bytes) -> str:
    """The name that the interface with this index has now; empty where there is none.

    ``scope`` is the index as a sockaddr_in6 has it.
    """
    try:
        return socket.if_indextoname(int.from_bytes(scope, sys.byteorder))
    except OSError:
        return ""
