"""The rules of a VLAN come before those of its policy, which come before all else."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import names
from resolver.policy.verdict import Outcome
from resolver.policy.view import Views
from tests.config.tables import vlan
from tests.policy.networks import judge, snapshot_of

LISTS = {"one": "! Category: messenger\n||a.example^\n@@||x.a.example^\n|b.example^\n"}
RULES = st.lists(
    st.builds(
        lambda labels, alone: ("|{}^" if alone else "{}").format(".".join([*labels, "example"])),
        st.lists(st.sampled_from("abx"), min_size=1, max_size=3),
        st.booleans(),
    ),
    max_size=4,
    unique=True,
)
NAMES = [
    ".".join([*labels, "example"])
    for first in ["", "a", "b", "x"]
    for second in ["", "a", "b", "x"]
    for third in ["a", "b", "x"]
    if (labels := [text for text in ("c", first, second, third) if text])
]


def decided(name: str, allow: Sequence[str], deny: Sequence[str]) -> str:
    """What rules do to a name, by reading them one after the other; empty if none covers it."""
    found: list[tuple[int, bool, bool, str]] = []
    for rules, does in ((allow, "passed"), (deny, "blocked")):
        for rule in rules:
            alone, owner = rule.startswith("|"), rule.strip("|^")
            if name == owner or (not alone and name.endswith(f".{owner}")):
                found.append((len(owner), alone, does == "passed", does))
    return max(found)[-1] if found else ""


@given(RULES, RULES, RULES, RULES)
def test_the_vlan_decides_then_its_policy_then_the_lists(
    allow: list[str], deny: list[str], of_policy: list[str], denied_by_policy: list[str]
) -> None:
    deny = [rule for rule in deny if rule not in allow]
    denied_by_policy = [text for text in denied_by_policy if text not in of_policy]
    policy = f'[policies.p]\nblock = ["one"]\nallow = {of_policy}\ndeny = {denied_by_policy}\n'
    own = vlan("own", "p", "10.1.0.0/16", allow=",".join(allow), deny=",".join(deny))
    snapshot = snapshot_of(policy + vlan("plain", "p", "10.2.0.0/16") + own, LISTS)
    views = Views(snapshot.compiled, 0.0)
    judged = judge(snapshot)
    for name in NAMES:
        wire = names.parse(name)
        plain, with_own = (judged.check_query(views.of_vlan(at), wire) for at in (0, 1))
        by_policy = decided(name, of_policy, denied_by_policy) or (
            "blocked" if _by_list(name) else "passed"
        )
        assert plain.outcome is Outcome[by_policy.upper()]
        assert with_own.outcome is Outcome[(decided(name, allow, deny) or by_policy).upper()]


def _by_list(name: str) -> bool:
    below = f".{name}"
    return name == "b.example" or (
        below.endswith(".a.example") and not below.endswith(".x.a.example")
    )
