"""That a recording counts what it holds and leaves out no more than it says."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from resolver.server import recording
from resolver.server.recording import LEASE, Recording

QUESTIONS = st.lists(
    st.tuples(
        st.sampled_from(["administration", "publicity"]),
        st.sampled_from([b"\x01t\x02me\x00", b"\x02wa\x02me\x00"]),
        st.sampled_from([1, 28]),
    )
)


@given(QUESTIONS, st.integers(1, 3))
def test_all_is_handed_over_once(asked: list[tuple[str, bytes, int]], most: int) -> None:
    counting = Recording("somebody", 0.0)
    got: Counter[tuple[str, bytes, int]] = Counter()
    for question in asked:
        counting.count(*question)
    more = True
    while more:
        rows, left_out, more = counting.take(most, 0.0)
        assert len(rows) <= most
        assert left_out == {}
        for vlan, name, qtype, times in rows:
            got[vlan, bytes.fromhex(name), qtype] += times
    assert got == Counter(asked)
    assert counting.take(most, 0.0).rows == []


def test_there_is_room_for_so_many_questions_and_the_rest_is_counted() -> None:
    counting = Recording("somebody", 0.0)
    for number in range(recording.MAX_QUESTIONS + 7):
        counting.count("administration", number.to_bytes(4, "big"), 1)
    counting.count("publicity", b"\x00\x00\x00\x00", 1)
    counting.count("administration", b"\x00\x00\x00\x00", 1)
    rows, left_out, more = counting.take(recording.MAX_QUESTIONS + 100, 0.0)
    assert len(rows) == recording.MAX_QUESTIONS
    assert sum(row[3] for row in rows) == recording.MAX_QUESTIONS + 1
    assert left_out == {"administration": 7, "publicity": 1}
    assert not more
    counting.count("publicity", b"\x00\x00\x00\x00", 1)
    assert counting.take(1, 0.0).left_out == {}


def test_it_goes_on_while_it_is_asked_for() -> None:
    counting = Recording("somebody", 5.0)
    assert counting.until == 5.0 + LEASE
    counting.take(1, 9.0)
    assert counting.until == 9.0 + LEASE
