"""A policy, and another value of each of its fields."""

import dataclasses
from typing import Any, assert_never

from resolver.policy.compiled import Ground
from tests.policy.networks import HOURLY, snapshot_of

COMPILED = snapshot_of(HOURLY).compiled
POLICY = COMPILED.policies[0]
NOT_ONE_VALUE = {"clauses", "grounds_by_service"}
"""They have tests of their own."""


def _other(value: str | bytes | bool | tuple[Any, ...]) -> object:
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case "sinkhole":
            return "refused"
        case str():
            return "other"
        case bytes():
            return bytes([9] * len(value))
        case tuple():
            return ()
        case _:
            assert_never(value)


OTHER: dict[str, Any] = {
    **{
        field.name: _other(getattr(POLICY, field.name))
        for field in dataclasses.fields(POLICY)
        if field.name not in NOT_ONE_VALUE
    },
    "cited_grounds": (Ground("9", "other"),) * len(POLICY.cited_grounds),
}
"""Another value of each field but those."""
