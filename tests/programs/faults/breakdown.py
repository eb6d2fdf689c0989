"""What a breakdown is: how it begins and ends, who is told of it, and what mends it."""

from typing import NamedTuple

from resolver.metrics.faults import Kind
from tests.programs.chaos.breaking import Step
from tests.programs.chaos.system import System


def nothing(_: System) -> None:
    """Do nothing."""


class Breakdown(NamedTuple):
    """One way in which something breaks."""

    name: str
    alert: str
    """The alert that must fire."""
    says: str
    """A pattern of the line that ``darban status`` must print."""
    begins: Step
    ends: Step = nothing
    """The cause ends, or an operator ends it; what the server or a command does comes after."""
    told: str = ""
    """The words in the alert's section of the runbook that tell the operator to end it."""
    commands: tuple[str, ...] = ()
    """Commands of that section which mend it, once the cause has ended."""
    kinds: tuple[Kind, ...] = ()
    """The kinds of ``resolver.metrics.faults`` that it has."""
    prepares: Step = nothing
    """What is done before it is counted."""
    lingers: str = ""
    """Why nobody waits here until the status tells no more."""
