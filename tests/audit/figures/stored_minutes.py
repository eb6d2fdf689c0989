"""Figures of an hour with its minutes, as tests store them."""

from collections import Counter

from resolver.audit.figures.counts import (
    HourFigures,
    Labels,
    Minute,
    SelfTestResult,
)

ZONE = "Asia/Tehran"
STAFF = Labels("staff", "telegram", "blocked")


def minute(at: int, policy: str = "p", tested: SelfTestResult = SelfTestResult.HELD) -> Minute:
    return Minute(at, policy, serving=True, tested=tested)


def figures(hour: int, queries: int, *minutes: Minute) -> HourFigures:
    return HourFigures(hour, Counter({STAFF: queries}), list(minutes))
