"""What policy says of a name, and why."""

import enum
from dataclasses import dataclass

from resolver.dns import names


class Outcome(enum.IntEnum):
    """What becomes of a question; the names are those of the metrics and of ``explain``."""

    __hash__ = int.__hash__  # an Enum's own hashes its name, and tallies are looked up often

    PASSED = 0
    BLOCKED = 1
    WOULD_BLOCK = 2
    EXEMPTED = 3
    REFUSED = 4
    DROPPED = 5
    FAILED = 6

    @property
    def label(self) -> str:
        """The outcome as it is printed."""
        return self.name.lower()


BLOCKED = Outcome.BLOCKED
"""The outcome that is asked about for every query; an enum's member costs a look-up each time."""
NO_SERVICE = -1


@dataclass(slots=True)
class Verdict:
    """The outcome for one name, with the rule that decided it; nobody changes one."""

    outcome: Outcome
    service: int = NO_SERVICE
    key: bytes = b""
    """The index key of the name that the rule stands at."""
    subtree: bool = False
    """Whether the rule covers all names below its own."""
    source: int = -1
    """The list, by its place; -1 where the policy's own allow or deny decided."""
    line: int = 0
    exemption: int = -1
    """The exemption that lifted the service, by its place."""
    target: bytes = b""
    """The target that the rule covers; empty where it is the question's own name."""
    all_below: bool = False
    """Whether every name below the question's is blocked as well (RFC 8020)."""
    allowed: bool = False
    """Whether the policy's ``allow`` lets the name pass."""

    @property
    def rule(self) -> bytes:
        """The name that the rule stands at; empty where no rule decided."""
        return names.from_index_key(self.key) if self.key else b""

    @property
    def rule_text(self) -> str:
        """The rule as lists write it; empty where no rule decided."""
        if not self.key:
            return ""
        return f"{'||' if self.subtree else '|'}{names.text(self.rule)}^"


PASS = Verdict(Outcome.PASSED)
ALLOWED = Verdict(Outcome.PASSED, allowed=True)
