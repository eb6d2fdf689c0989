"""Prepared answers: what is popular stays, whatever else is asked, and nobody crowds it out."""

from resolver.engine.entry import Entry
from resolver.engine.labels import Counted, Path, Tally
from resolver.engine.prepared import TELLINGS, VARIANTS, Prepared, PreparedAnswer, Shelf
from resolver.policy.verdict import Outcome

COUNTED = Counted(Tally(0, Outcome.PASSED, -1, 0, 1, Path.PREPARED), 0)
ROOM = 20
"""Answers that there is room for in ``small``, at the least."""


def entry() -> Entry:
    return Entry(0, 0, bytes(40), (1, 0, 0), (30,), 300, 0.0, (), ())


def small() -> Prepared:
    return Prepared(ROOM * 700)


def told(
    prepared: Prepared, shelf: Shelf, asked: bytes, kept: Entry, now: float = 0.0
) -> PreparedAnswer | None:
    """A query comes: it is told what was prepared, or what the entry makes."""
    answer = shelf.answers.get(asked)
    if answer is not None and (now < answer.due or answer.renew(now)):
        answer.used = True
        return answer
    prepared.prepare(shelf, asked, bytes(60), COUNTED, kept, now)
    return None


def popular(prepared: Prepared, shelf: Shelf, asked: bytes, kept: Entry) -> None:
    for _ in range(TELLINGS):
        told(prepared, shelf, asked, kept)


def test_what_is_told_now_and_then_is_not_prepared() -> None:
    prepared = small()
    shelf = prepared.shelf("view", False)
    for number in range(1000):
        kept = entry()
        for _ in range(TELLINGS - 1):
            told(prepared, shelf, b"rare %d" % number, kept)
    assert not shelf.answers


def test_what_is_told_again_and_again_stays_while_others_come_and_go() -> None:
    prepared = small()
    shelf = prepared.shelf("view", False)
    kept = entry()
    popular(prepared, shelf, b"popular", kept)
    for number in range(50 * ROOM):
        popular(prepared, shelf, b"passing %d" % number, entry())
        if number % (ROOM // 2) == 0:
            assert told(prepared, shelf, b"popular", kept) is not None
    assert len(shelf.answers) < 2 * ROOM


def test_spellings_of_one_name_take_no_more_room_than_their_share() -> None:
    prepared = Prepared(1 << 30)
    shelf = prepared.shelf("view", False)
    kept = entry()
    for number in range(10 * VARIANTS):
        popular(prepared, shelf, b"spelling %d" % number, kept)
    assert len(shelf.answers) == VARIANTS


def test_an_entry_s_share_is_its_own_again_when_its_answers_have_made_room() -> None:
    prepared = small()
    shelf = prepared.shelf("view", False)
    kept = entry()
    for turn in range(3 * VARIANTS):
        popular(prepared, shelf, b"popular", kept)
        assert b"popular" in shelf.answers, turn
        for number in range(3 * ROOM):
            popular(prepared, shelf, b"passing %d" % number, entry())
        assert b"popular" not in shelf.answers, turn


def test_an_answer_that_has_ended_is_prepared_anew_in_its_place() -> None:
    prepared = small()
    shelf = prepared.shelf("view", False)
    old = entry()
    popular(prepared, shelf, b"popular", old)
    for turn in range(1, 10 * ROOM):
        began = 400.0 * turn
        anew = Entry(0, 0, bytes(40), (1, 0, 0), (30,), 300, began, (), ())
        for _ in range(TELLINGS):
            assert told(prepared, shelf, b"popular", anew, began) is None
        answer = told(prepared, shelf, b"popular", anew, began)
        assert answer is not None
        assert answer.kept is anew
        assert (old.prepared, anew.prepared) == (0, 1)
        old = anew
    assert len(prepared) == 1


def test_what_has_ended_is_told_no_more() -> None:
    prepared = small()
    shelf = prepared.shelf("view", False)
    kept = entry()
    popular(prepared, shelf, b"popular", kept)
    assert told(prepared, shelf, b"popular", kept, kept.fresh_until - 0.1) is not None
    assert told(prepared, shelf, b"popular", kept, kept.fresh_until) is None
