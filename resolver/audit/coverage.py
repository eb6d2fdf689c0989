"""In which time a policy was in force on a node and tested, and where that is not known. Pure.

It is made of the minutes that the node has recorded (``figures``). It says nothing of clients: they
may have asked another resolver.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from resolver.audit.figures.counts import Minute, SelfTestResult

NO_RECORD, NOT_SERVING = "no_record", "not_serving"
"""Why a time is not covered: no minute was recorded, or not all workers served."""
FAILED, UNTESTED = "self_test_failed", "untested"
"""Why it is: a worker decided an expectation wrongly, or none was tested for two hours."""
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Interval:
    """A time in which a node was in the same state."""

    begin: int
    """In UTC seconds since 1970, as ``end``."""
    end: int
    policy: str
    """The policy hash in force; empty where no minute was recorded."""
    why: str
    """Why it is not known that the policy was in force and tested; empty where it is."""

    @property
    def length(self) -> int:
        """In seconds."""
        return self.end - self.begin


def intervals(minutes: Iterable[Minute], begin: int, end: int) -> Iterator[Interval]:
    """The states of a node between two moments, without a hole between them.

    ``minutes`` are in the order of time, one for each moment.
    """
    last = Interval(begin, begin, "", "")
    for part in _parts(minutes, begin, end):
        if (part.policy, part.why) == (last.policy, last.why):
            last = Interval(last.begin, part.end, last.policy, last.why)  # ``replace`` is slow
            continue
        if last.length:
            yield last
        last = part
    if last.length:
        yield last


def gaps_of_all(nodes: Iterable[Iterable[Minute]], begin: int, end: int) -> list[Interval]:
    """The times between two moments in which no node served, as far as it is known."""
    together: dict[int, Minute] = {}
    for minutes in nodes:
        for minute in minutes:
            if minute.serving or minute.at not in together:
                together[minute.at] = replace(minute, policy="", tested=SelfTestResult.HELD)
    minutes = (together[at] for at in sorted(together))
    return [interval for interval in intervals(minutes, begin, end) if interval.why]


def _parts(minutes: Iterable[Minute], begin: int, end: int) -> Iterator[Interval]:
    at = begin
    for minute in minutes:
        if begin <= minute.at < end:
            if minute.at > at:
                yield Interval(at, minute.at, "", NO_RECORD)
            at = minute.at + _MINUTE
            yield Interval(minute.at, min(at, end), minute.policy, _why(minute))
    if at + _MINUTE <= end:  # the minute that runs now has no record yet
        yield Interval(at, end, "", NO_RECORD)


def _why(minute: Minute) -> str:
    if not minute.serving:
        return NOT_SERVING
    by_test = {
        SelfTestResult.HELD: "",
        SelfTestResult.FAILED: FAILED,
        SelfTestResult.UNTESTED: UNTESTED,
    }
    return by_test[minute.tested]
