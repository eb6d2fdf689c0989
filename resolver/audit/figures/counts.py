"""What is kept of the counts and minutes of a node, as plain values. Pure.

No record names a client, an address or a name that was asked for.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

REDIRECTED = "redirected"
"""In place of an outcome, without a service: the queries of a VLAN that a gateway has redirected.
Each of them is counted by its outcome besides."""


class Labels(NamedTuple):
    """What queries were counted by; each as the label of ``darban_queries``, or ``REDIRECTED``."""

    vlan: str
    service: str
    outcome: str


@dataclass(frozen=True, slots=True)
class HourCount:
    """The queries of one local hour that have the same labels."""

    hour: int
    """When the hour begins, in UTC seconds since 1970. It is a local hour of the time zone in
    ``[report]``: one of Asia/Tehran begins at half past of UTC."""
    vlan: str
    """The VLAN's name, or ``unknown``."""
    service: str
    """Empty for none."""
    outcome: str
    """As in ``Labels``."""
    queries: int


@dataclass(frozen=True, slots=True)
class HourLink:
    """A local hour in which the link abroad was cut, or a fallback server has answered."""

    hour: int
    """As in ``HourCount``."""
    cut: int
    """Minutes at whose end names abroad got no answer, and those at home did."""
    answers: int
    """Questions that the fallback servers have answered."""


class SelfTestResult(StrEnum):
    """What the newest self-test of the workers under the policy in force has said."""

    HELD = "held"
    FAILED = "failed"
    UNTESTED = "untested"
    """There was none, or it is older than two hours."""


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of one node."""

    at: int
    """When it begins, in UTC seconds since 1970: a multiple of 60."""
    policy: str
    """The policy hash in force at its end; empty for none."""
    serving: bool
    """Whether all expected workers served."""
    tested: SelfTestResult


@dataclass(slots=True)
class HourFigures:
    """What is to be added to the figures of one local hour."""

    hour: int
    """As in ``HourCount``."""
    counts: Counter[Labels] = field(default_factory=Counter)
    minutes: list[Minute] = field(default_factory=list)
    cut: int = 0
    """As in ``HourLink``, as what follows."""
    answers: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What one node has of a period."""

    node: str
    """The node's name; empty where it has no figures."""
    time_zone: str
    """The time zone by whose hours it counted last; empty where it has no figures."""
    counts: tuple[HourCount, ...]
    """By hour, VLAN, service and outcome in this order."""
    minutes: tuple[Minute, ...]
    """In the order of time; no two of them begin at the same moment."""
    damaged: tuple[str, ...]
    """What could not be read, in words: a file and why."""
    links: tuple[HourLink, ...] = ()
    """By hour, in the order of time."""
