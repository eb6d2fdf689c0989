"""The transports over which clients ask."""

import enum
from typing import Final


class Transport(enum.IntEnum):
    """A transport; its number is in the keys of counters."""

    UDP = 0
    TCP = 1
    TLS = 2

    @property
    def label(self) -> str:
        """Its name in metrics and in the block log."""
        return self.name.lower()


UDP: Final = Transport.UDP
TCP: Final = Transport.TCP
TLS: Final = Transport.TLS
