"""The log: one line an event on standard error, for journald or a terminal.

What is logged is what happens to the server. Names that are asked for and who asks for
them never are.
"""

import logging
import sys

log = logging.getLogger("darban")


def start(process: str) -> None:
    """Write this process's events to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(levelname)s {process}: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
