"""A compilation that is killed, or finds the disk full, leaves nothing that a later one believes.

The next compilation gives the octets of one from nothing, and until then the last good snapshot is
served.
"""

import os
from pathlib import Path

import pytest

from resolver import DarbanError
from resolver.snapshot import store
from resolver.snapshot.list_store import ListStore
from tests.compiler.changing_config import Place, content
from tests.compiler.killed_compilation import killed_at
from tests.live.small_disk import fill, small_disk

pytestmark = pytest.mark.processes

PAGE = os.sysconf("SC_PAGESIZE")


def _place(path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(path, monkeypatch)
    place.write_list("one", ["||one.example^", "@@||x.one.example^"])
    (path / "more.txt").write_text("more.example\n")
    return place


def _fetch(place: Place) -> None:
    place.fetch(["zone.example CNAME .", "*.zone.example CNAME ."])


def _change(place: Place, number: int) -> None:
    """Change a list and the config, as never before."""
    place.write_list("one", [f"||one-{number}.example^"])
    place.denied = [f"denied-{number}.example"]
    place.write()


def test_killed_before_each_change_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = _place(tmp_path, monkeypatch)
    _fetch(place)
    before = content(place.compile())
    moment, was_killed = 0, True
    while was_killed:
        moment += 1
        _change(place, moment)
        was_killed = killed_at(moment, place.config, place.state)
        nothing = place.compile_from_nothing()
        good = store.last_good(place.state)
        assert content(good) in (before, nothing), "what is served is whole"
        assert [copy.newest for copy in ListStore(place.state).copies("zone")][:1] == [True]
        before = content(place.compile())
        assert before == nothing
    assert moment > 20, "there are so many moments"


@pytest.mark.parametrize("room", range(0, 16 * PAGE, PAGE))
def test_a_full_disk(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = _place(tmp_path, monkeypatch)
    with small_disk(place.state, "1m"):
        _fetch(place)
        before = content(place.compile())
        _change(place, 1)
        nothing = place.compile_from_nothing()
        ballast = fill(place.state, room)
        try:
            assert content(place.compile()) == nothing
            assert room, "nothing can be written"
        except (DarbanError, OSError):
            assert content(store.last_good(place.state)) == before
        assert [copy.newest for copy in ListStore(place.state).copies("zone")][:1] == [True]
        ballast.unlink()
        assert content(place.compile()) == nothing
