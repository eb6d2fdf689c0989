"""The verdict of the policy on a name, which has the clause that decided as its reason."""

import enum
from typing import Final, assert_never

from resolver.dns import names
from resolver.policy.clauses import Action, Clause, DefaultRule, OwnRule, PolicyRules, Services
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
    NATIONAL_FILTER = 9
    """The policy lets the name pass, and the answer is that of the national filter."""

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


def outcome_of(does: Action) -> Outcome:
    """The outcome for a name to which a policy does this."""
    match does:
        case Action.PASS:
            return Outcome.PASSED
        case Action.BLOCK:
            return Outcome.BLOCKED
        case Action.COUNT:
            return Outcome.WOULD_BLOCK
        case _:
            assert_never(does)


def _kind(clause: Clause | None) -> int:
    """A number for each kind of clause."""
    match clause:
        case None:
            return 0
        case PolicyRules():
            return 1
        case Services():
            return 2
        case DefaultRule():
            return 3
        case _:
            assert_never(clause)


class Verdict:
    """The outcome for one name, and the clause and the rule that decided. It never changes."""

    __slots__ = (
        "address",
        "all_below",
        "at_other_hours",
        "by_allow",
        "clause",
        "exemption",
        "key",
        "outcome",
        "range_text",
        "reply_key",
        "service",
        "source",
        "subtree",
        "target",
    )

    def __init__(
        self,
        outcome: Outcome,
        clause: Clause | None = None,
        service: int = NO_SERVICE,
        *,
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
        self.clause = clause
        """The clause of the policy that decided; None if none did."""
        self.by_allow = outcome is PASSED and isinstance(clause, PolicyRules)
        """Whether ``allow`` of the policy decided: nothing in the answer is judged then."""
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
        self.at_other_hours = outcome is PASSED and service != NO_SERVICE
        """Whether the clause on the service of the name holds at other hours only."""
        if reply_key < 0:
            reply_key = int(outcome) | _kind(clause) << 4 | (service + 1) << 8
        self.reply_key = reply_key
        """Outcome, kind of clause and service in one number, for the keys of reply templates, zone
        actions and lines of the block log. A copy is given that of its original."""

    @staticmethod
    def by_list(
        outcome: Outcome, clause: Clause, service: int, *,
        key: bytes, subtree: bool, source: int, exemption: int, all_below: bool,
    ) -> "Verdict":  # fmt: skip
        """The verdict by a rule of a list."""
        return Verdict(
            outcome, clause, service, key=key, subtree=subtree, source=source,
            exemption=exemption, all_below=all_below,
        )  # fmt: skip

    @staticmethod
    def by_own_rule(rule: OwnRule, clause: PolicyRules) -> "Verdict":
        """The verdict by a rule in ``allow`` or ``deny``; one of ``allow`` is not named."""
        outcome = outcome_of(rule.does)
        if outcome is PASSED:
            return Verdict(outcome, clause, subtree=rule.subtree)
        key = names.index_key(rule.name)
        return Verdict(outcome, clause, key=key, subtree=rule.subtree, all_below=rule.subtree)

    @staticmethod
    def by_range(
        outcome: Outcome, clause: Clause, service: int, *,
        source: int, exemption: int, address: bytes, range_text: str,
    ) -> "Verdict":  # fmt: skip
        """The verdict by the range that contains an address of the answer."""
        return Verdict(
            outcome, clause, service, source=source, exemption=exemption, address=address,
            range_text=range_text,
        )  # fmt: skip

    @staticmethod
    def by_default(default: DefaultRule) -> "Verdict":
        """The verdict on a name that no other clause is for."""
        return Verdict(outcome_of(default.does), default)

    @staticmethod
    def by_rebinding(address: bytes) -> "Verdict":
        """The verdict on an answer that is withheld for this private address."""
        return Verdict(REBINDING, address=address)

    @staticmethod
    def by_filter(address: bytes) -> "Verdict":
        """The verdict on an answer that passes, with this address of the national filter."""
        return Verdict(Outcome.NATIONAL_FILTER, address=address)

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
            self.outcome, self.clause, self.service, key=key, subtree=self.subtree,
            source=self.source, exemption=self.exemption, target=target, all_below=all_below,
            reply_key=self.reply_key,
        )  # fmt: skip

    def takes_precedence(self, reported: "Verdict") -> bool:
        """Whether this verdict on a target that passes is reported instead of another verdict."""
        if reported.outcome is not PASSED:
            return False
        if self.outcome is not PASSED:
            return True
        return self.at_other_hours and not reported.at_other_hours

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
        if self.key:
            return f"{'||' if self.subtree else '|'}{names.text(self.rule)}^"
        match self.clause:
            case DefaultRule():
                return "default"
            case None | PolicyRules() | Services():
                return self.range_text
            case _:
                assert_never(self.clause)


PASS: Final = Verdict(Outcome.PASSED)
