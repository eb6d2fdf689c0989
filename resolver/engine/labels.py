"""The labels that queries are counted by: never a client, never a name."""

import enum
from typing import NamedTuple

from resolver.dns.transport import UDP, Transport
from resolver.policy.verdict import Outcome


class ReplyPath(enum.IntEnum):
    """The label of a query's duration."""

    CACHE = 0
    """The reply did not wait for an upstream."""
    UPSTREAM = 1
    """The reply waited for an upstream."""


class QueryLabels(NamedTuple):
    """The labels of one query; VLAN and service are indexes in the snapshot."""

    vlan: int
    outcome: Outcome
    service: int
    rcode: int
    qtype: int
    transport: Transport = UDP


class LabelledCounter:
    """Labels, and the index of their counter, which is looked up once for many queries."""

    __slots__ = ("index", "labels")

    def __init__(self, labels: QueryLabels, index: int) -> None:
        self.labels = labels
        self.index = index
