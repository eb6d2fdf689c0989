"""Late attempts: which is dropped, and when."""

from resolver.dns import names
from resolver.dns.render import QueryProfile
from resolver.exchange.attempt import Attempt
from resolver.exchange.exchange import LATE
from resolver.exchange.in_flight import QueryInFlight, SentAttempt
from resolver.exchange.late_attempts import LateAttempts
from resolver.exchange.question import UpstreamQuestion
from resolver.exchange.servers import Server

QUESTION = UpstreamQuestion(names.parse("www.example.org"), QueryProfile(0x0100, qtype=1), b"")
MOST = 50


class Reply:
    """A reply that waits."""

    received = 0.0
    vlan = 0


def test_of_too_many_late_attempts_the_oldest_are_kept_which_a_slow_upstream_answers_next() -> None:
    late = LateAttempts[Reply](MOST)
    query = QueryInFlight[Reply](QUESTION)
    server = Server("192.0.2.1", 53, "upstream")
    *attempts, newest = [
        SentAttempt(Attempt(server, False, b"", n / 1000, 9.0), query) for n in range(MOST + 1)
    ]
    for attempt in (*attempts, newest):
        assert late.next_to_drop(9.0) is None
        late.add(attempt)
    assert late.next_to_drop(9.0) is newest
    late.discard(newest)
    assert late.next_to_drop(9.0) is None
    assert late.next_to_drop(LATE) is attempts[0]
