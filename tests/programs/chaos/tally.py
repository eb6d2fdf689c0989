"""The results of the questions of a stretch of time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.programs.chaos.truth import Kind


@dataclass
class Tally:
    """Counts of questions, and the longest waits in seconds."""

    sent: int = 0
    answered: int = 0
    failed: Counter[Kind] = field(default_factory=Counter)
    """SERVFAIL, by kind of question."""
    lost: Counter[str] = field(default_factory=Counter)
    """Without a reply, by transport."""
    wrong: list[str] = field(default_factory=list)
    silence: float = 0.0
    """The longest time that a socket which asked had no reply to anything."""
    slowest: float = 0.0
    """Until the slowest reply."""
    lag: float = 0.0
    """The longest time that the load itself stood still, as on a busy machine."""
    last_bad: float = 0.0
    """The monotonic second when the last question was sent that was not answered well."""

    @property
    def open(self) -> int:
        """Questions that may still be answered."""
        ended = self.answered + self.failed.total() + self.lost.total() + len(self.wrong)
        return self.sent - ended


def joined(tallies: Sequence[Tally]) -> Tally:
    """The tally of all stretches together."""
    whole = Tally()
    for tally in tallies:
        whole.sent += tally.sent
        whole.answered += tally.answered
        whole.failed += tally.failed
        whole.lost += tally.lost
        whole.wrong += tally.wrong
        whole.silence = max(whole.silence, tally.silence)
        whole.slowest = max(whole.slowest, tally.slowest)
        whole.lag = max(whole.lag, tally.lag)
        whole.last_bad = max(whole.last_bad, tally.last_bad)
    return whole
