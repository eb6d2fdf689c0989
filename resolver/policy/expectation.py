"""A test of the policy in the config."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expectation:
    """How a question must be answered at all hours, or within some."""

    client: str
    """The address that asks."""
    question_name: bytes
    question_type: int
    outcome: str
    """As a label of metrics."""
    service: str
    """The service whose rule must decide; empty for any."""
    within: int | None
    """The index of the hours; None for all hours."""
