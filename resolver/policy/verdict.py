"""What policy says of a name, and why."""

import enum
from typing import Final

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


BLOCKED: Final = Outcome.BLOCKED
"""The outcome that is asked about for every query; an enum's member costs a look-up each time."""
PASSED: Final = Outcome.PASSED
NO_SERVICE: Final = -1


class Verdict:
    """The outcome for one name, with the rule that decided it; nobody changes one."""

    __slots__ = (
        *("all_below", "allowed", "exemption", "key", "kind", "outcome", "service", "source"),
        *("subtree", "target"),
    )

    def __init__(
        self,
        outcome: Outcome,
        service: int = NO_SERVICE,
        key: bytes = b"",
        subtree: bool = False,
        source: int = -1,
        exemption: int = -1,
        target: bytes = b"",
        all_below: bool = False,
        allowed: bool = False,
    ) -> None:
        self.outcome = outcome
        self.service = service
        self.key = key
        """The index key of the name that the rule stands at."""
        self.subtree = subtree
        """Whether the rule covers all names below its own."""
        self.source = source
        """The list, by its place; -1 where the policy's own allow or deny decided."""
        self.exemption = exemption
        """The exemption that applied, by its place."""
        self.target = target
        """The target that the rule covers; empty where it is the question's own name."""
        self.all_below = all_below
        """Whether every name below the question's is blocked as well (RFC 8020)."""
        self.allowed = allowed
        """Whether the policy's ``allow`` lets the name pass."""
        self.kind = int(outcome) | (service + 1) << 3
        """Outcome and service in one number."""

    def with_key(self, key: bytes) -> "Verdict":
        """The same verdict by a rule of the same list and kind that stands at another name."""
        return Verdict(
            self.outcome, self.service, key, self.subtree, self.source, self.exemption,
            self.target, self.all_below, self.allowed,
        )  # fmt: skip

    def not_all_below(self) -> "Verdict":
        """The same verdict where some name below the question's is not blocked."""
        return Verdict(
            self.outcome, self.service, self.key, self.subtree, self.source, self.exemption,
            self.target, False, self.allowed,
        )  # fmt: skip

    def of_target(self, target: bytes) -> "Verdict":
        """The verdict for a question whose answer leads to this name."""
        return Verdict(
            self.outcome, self.service, self.key, self.subtree, self.source, self.exemption,
            target, False, self.allowed,
        )  # fmt: skip

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


PASS: Final = Verdict(Outcome.PASSED)
ALLOWED: Final = Verdict(Outcome.PASSED, allowed=True)
