"""What was in force for a VLAN, as text."""

import pytest

from resolver.audit.effective_policy import EffectivePolicy
from resolver.cli.effective_policy_text import effective_policy_text
from resolver.policy.clauses import Action, Mode


@pytest.mark.parametrize(
    ("mode", "default", "told"),
    [
        (Mode.ENFORCE, Action.PASS, ["blocked, by name: games.example"]),
        (
            Mode.ENFORCE,
            Action.COUNT,
            ["blocked, by name: games.example", "all other names were counted only"],
        ),
        (
            Mode.ENFORCE,
            Action.BLOCK,
            ["blocked, by name: games.example", "all other names were blocked"],
        ),
        (
            Mode.AUDIT,
            Action.BLOCK,
            ["counted only, by name: games.example", "all other names were counted only"],
        ),
    ],
)
def test_a_policy_under_audit_counts_what_its_deny_and_its_default_would_block(
    mode: Mode, default: Action, told: list[str]
) -> None:
    effective = EffectivePolicy(
        client=None,
        vlan="administration",
        policy="administrative",
        mode=mode,
        default=default,
        blocked=(),
        exempted=(),
        other_hours=(),
        denied=("games.example",),
        allowed=(),
        exemptions=(),
    )
    _, _, *lines = effective_policy_text(effective).splitlines()
    assert lines[:-1] == told
