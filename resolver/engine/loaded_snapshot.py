"""A snapshot with the tables that the engine needs.

To build the tables takes long if lists have many exceptions or the network has many VLANs. So a
worker builds them in a thread beside its loop, and then puts them in force in one step.
"""

from resolver.engine.routing import NameRouting
from resolver.policy.building import Pause, no_pause
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.judge import Judge
from resolver.policy.view import Views


class LoadedSnapshot:
    """The data and tables of a snapshot; of these, only the views depend on the time."""

    __slots__ = ("compiled", "judge", "routing", "views")

    def __init__(
        self, compiled: CompiledConfig, index: Index, wall: float, pause: Pause = no_pause
    ) -> None:
        """``wall`` is Unix time in seconds; ``pause`` is called again and again."""
        self.compiled = compiled
        self.judge = Judge(compiled, index, pause)
        self.views = Views(compiled, wall, pause)
        self.routing = NameRouting(compiled)
