"""Darban: a DNS resolver that enforces a network's messenger policy by VLAN."""

from importlib.util import find_spec

__version__ = "1.4.0.dev0"
"""That of the next release, with ``.dev0``, until it is released. A wheel of ``make install`` adds
the hash of what it is made of: ``1.0.0+5f0c9a7d21ab``.
"""


class DarbanError(Exception):
    """An error with a message for people: the root of every exception that is raised on purpose.

    What a peer sends wrong becomes a value or an rcode, never an exception. What an operator gets
    wrong becomes a list of problems, reported together (``config.problems``).
    """

    code = 2
    """The exit code of a command that ends with this error."""


def build() -> str:
    """``compiled`` or ``interpreted``: how this installation answers queries.

    The engine decides for all: either every hot module of a wheel is compiled or none is, and
    the supervisor and its workers run from the same installation.
    """
    engine = find_spec("resolver.engine.engine")
    assert engine is not None
    return "interpreted" if str(engine.origin).endswith(".py") else "compiled"
