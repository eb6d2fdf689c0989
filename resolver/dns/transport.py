"""The transports over which clients ask.

To add one:
- server/NAME.py: after each receiving call ``QueryHandler.begin`` before ``Clients.of``, so that
  what has ended is in force no longer; then ``QueryHandler.handle`` for each message. Replies come
  later through ``ReplySender``. ``Counters.observe_duration``, from the end of receiving to that of
  sending.
- ``server.listening`` opens its sockets, ``Worker._serve`` starts its server. Its config key, with
  ``compiler.restart_settings``. What goes through addresses: ``supervisor.supervisor``,
  ``supervisor.watches``, ``supervisor.banner``.
- With connections: the bounds of ``server.connection_shares`` and ``server.send_backlog``.
- setup.py, if every query passes it. tests/end_to_end/clients/test_show.py asks over it.
"""

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
