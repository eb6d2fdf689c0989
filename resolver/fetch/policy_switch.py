"""A switch to another commit of the policy, as the supervisor's reload makes it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from resolver.fetch.policy_tree import PolicyTree


@dataclass(frozen=True, slots=True)
class PolicySwitch:
    """Another commit of the policy that was pulled, which a reload shall put in force."""

    tree: PolicyTree
    commit: str
    check: Callable[[Path, Path], Awaitable[None]]
    """Raises Rejected where the second snapshot must not replace the first."""


class SwitchResult(Protocol):
    """How the reload with a switch ended."""

    @property
    def result(self) -> str:
        """One of ``definitions.RELOAD_RESULTS``."""

    @property
    def code(self) -> int:
        """The exit code of the command that asked for it."""

    @property
    def report(self) -> list[str]:
        """Why the commit is not in force, or the warnings of ``check``."""


Switch = Callable[[str, PolicySwitch, Sequence[str]], Awaitable[SwitchResult]]
"""Puts a commit in force: who asks for it, the switch, the lists whose losses a person accepts.

OSError where the files of the commit cannot be put in place."""
