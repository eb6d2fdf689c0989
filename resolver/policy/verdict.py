"""The verdict of the policy on a name."""

import enum
from typing import Final

from resolver.dns import names
from resolver.policy.prefixes import address_text


class Outcome(enum.IntEnum):
    """The outcome of a query; metrics and ``explain`` use these names."""

    __hash__ = int.__hash__  # that of Enum hashes the name: slow, and counters are looked up often

    PASSED = 0
    BLOCKED = 1
    WOULD_BLOCK = 2
    EXEMPTED = 3
    REFUSED = 4
    DROPPED = 5
    FAILED = 6
    REBINDING = 7
    HEALTH = 8
    """A health check, which no metric counts as a query."""

    @property
    def label(self) -> str:
        """The outcome as text."""
        return self.name.lower()


BLOCKED: Final = Outcome.BLOCKED
"""A constant, since every query compares with it: an enum member costs a look-up each time."""
PASSED: Final = Outcome.PASSED
WOULD_BLOCK: Final = Outcome.WOULD_BLOCK
REBINDING: Final = Outcome.REBINDING
"""An answer for a public name has a private address; ``policy.rebinding`` says more."""
NO_SERVICE: Final = -1


class RuleKind(enum.IntEnum):
    """The kind of the rule that decided."""

    __hash__ = int.__hash__

    NONE = 0
    ALLOW = 1
    """Of the policy's own ``allow``."""
    DENY = 2
    LIST = 3
    RANGE = 4
    """A range of addresses."""
    UNLISTED = 5
    """No rule: the default of the policy."""


NO_RULE: Final = RuleKind.NONE
ALLOW: Final = RuleKind.ALLOW
DENY: Final = RuleKind.DENY
LIST: Final = RuleKind.LIST
RANGE: Final = RuleKind.RANGE
UNLISTED: Final = RuleKind.UNLISTED


class Verdict:
    """The outcome for one name, and the rule that decided. A verdict never changes."""

    __slots__ = (
        *("address", "all_below", "blocked_at_other_hours", "by", "exemption", "key", "outcome"),
        *("range_text", "reply_key", "service", "source", "subtree", "target"),
    )

    def __init__(
        self,
        outcome: Outcome,
        by: RuleKind = NO_RULE,
        service: int = NO_SERVICE,
        key: bytes = b"",
        subtree: bool = False,
        source: int = -1,
        exemption: int = -1,
        target: bytes = b"",
        all_below: bool = False,
        address: bytes = b"",
        range_text: str = "",
        reply_key: int = -1,
    ) -> None:
        self.outcome = outcome
        self.by = by
        self.service = service
        self.key = key
        """The index key of the rule's name."""
        self.subtree = subtree
        """Whether the rule covers all names below its name."""
        self.source = source
        """The index of the list; -1 if no list decided."""
        self.exemption = exemption
        """The index of the exemption that applied; -1 if none did."""
        self.target = target
        """The target that the rule covers; empty if the rule covers the name of the question."""
        self.all_below = all_below
        """Whether all names below the name of the question are blocked too (RFC 8020)."""
        self.address = address
        """The address in the answer that decided; empty if a name did."""
        self.range_text = range_text
        """The range that contains the address."""
        self.blocked_at_other_hours = outcome is Outcome.PASSED and service != NO_SERVICE
        """Whether the policy blocks the service of the name at other hours only."""
        if reply_key < 0:
            reply_key = int(outcome) | int(by) << 3 | (service + 1) << 6
        self.reply_key = reply_key
        """Outcome, kind of rule and service in one number, for the keys of reply templates, zone
        actions and lines of the block log. A copy is given that of its original."""

    def with_key(self, key: bytes) -> "Verdict":
        """The same verdict by a rule of the same list and kind that stands at another name."""
        return self._copy(key, self.target, self.all_below)

    def not_all_below(self) -> "Verdict":
        """The same verdict where some name below the question's is not blocked."""
        return self._copy(self.key, self.target, False)

    def of_target(self, target: bytes) -> "Verdict":
        """The verdict for a question whose answer leads to this name."""
        return self._copy(self.key, target, False)

    def _copy(self, key: bytes, target: bytes, all_below: bool) -> "Verdict":
        return Verdict(
            self.outcome, self.by, self.service, key, self.subtree, self.source, self.exemption,
            target, all_below, reply_key=self.reply_key,
        )  # fmt: skip

    def outranks(self, reported: "Verdict") -> bool:
        """Whether this verdict on a target that passes is reported instead of another verdict."""
        if reported.outcome is not Outcome.PASSED:
            return False
        if self.outcome is not Outcome.PASSED:
            return True
        return self.blocked_at_other_hours and not reported.blocked_at_other_hours

    @property
    def of_answer(self) -> bool:
        """Whether a target or an address in the answer decided, and not the question's name."""
        return bool(self.target or self.address)

    @property
    def target_text(self) -> str:
        """The target or the address in the answer that decided; empty if neither did."""
        if self.address:
            return address_text(self.address)
        return names.text(self.target) if self.target else ""

    @property
    def rule(self) -> bytes:
        """The name of the rule; empty if no rule for names decided."""
        return names.from_index_key(self.key) if self.key else b""

    @property
    def rule_text(self) -> str:
        """The rule in the syntax of lists, the range or ``default``; empty if none decided."""
        if not self.key:
            return "default" if self.by is UNLISTED else self.range_text
        return f"{'||' if self.subtree else '|'}{names.text(self.rule)}^"


PASS: Final = Verdict(Outcome.PASSED)
ALLOWED: Final = Verdict(Outcome.PASSED, ALLOW)
