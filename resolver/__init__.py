"""Darban: a DNS resolver that enforces a network's messenger policy by VLAN."""

from importlib.util import find_spec

__version__ = "0.2.0"


def build() -> str:
    """``compiled`` or ``interpreted``: how this installation answers queries.

    The engine decides for all: either every hot module of a wheel is compiled or none is, and
    the supervisor and its workers run from the same installation.
    """
    engine = find_spec("resolver.engine.engine")
    assert engine is not None
    return "interpreted" if str(engine.origin).endswith(".py") else "compiled"
