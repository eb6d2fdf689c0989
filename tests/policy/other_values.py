"""A policy, and another value of each of its fields."""

from typing import Any

from resolver.policy.compiled import Ground
from tests.policy.networks import HOURLY, snapshot_of

COMPILED = snapshot_of(HOURLY).compiled
POLICY = COMPILED.policies[0]
OTHER: dict[str, Any] = {
    "name": "other",
    "answer": "refused",
    "sinkhole_v4": bytes([9] * 4),
    "sinkhole_v6": bytes([9] * 16),
    "directives": (),
    "cited_grounds": (Ground("9", "other"),) * len(POLICY.cited_grounds),
    "contact": "other",
    "upstream": "other",
    "title": "other",
}
"""Another value of each field but the clauses, which have tests of their own."""
