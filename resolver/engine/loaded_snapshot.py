"""A snapshot made ready to judge and to answer with.

Making one takes long where lists have many exceptions or a network many VLANs, so a worker
makes it beside its loop, and puts it in force in one step.
"""

from resolver.engine.routing import NameRouting
from resolver.policy.compiled import Terms
from resolver.policy.index import Index
from resolver.policy.judge import Judge
from resolver.policy.view import Views


class LoadedSnapshot:
    """All that depends on a snapshot and on nothing else but the time."""

    __slots__ = ("judge", "routing", "terms", "views")

    def __init__(self, terms: Terms, index: Index, wall: float) -> None:
        """``wall`` is in seconds since 1970."""
        self.terms = terms
        self.judge = Judge(terms, index)
        self.views = Views(terms, wall)
        self.routing = NameRouting(terms)
