"""The log: one line an event on standard error, for journald or a terminal.

It has events of the server. It never has a name that was asked for, or a client.
"""

import logging
import sys

log = logging.getLogger("darban")


def start(process: str) -> None:
    """Start to write the events of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(levelname)s {process}: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
