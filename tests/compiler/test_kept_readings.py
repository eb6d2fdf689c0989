"""What is kept of lists and indexes changes no octet of a snapshot, and is found where damaged."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.compiler import compilation, index, kept_readings, program_hash
from resolver.compiler.compilation_result import Rejected
from tests.compiler.changing_config import Place, content, counts_of

EDITS = 60


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(tmp_path, monkeypatch)
    found.write_list("one", ["||one.example^", "@@||x.one.example^"])
    found.write_list("two", ["||two.example^", "|alone.example^", "no rule", "||one.example^"])
    (tmp_path / "more.txt").write_text("more.example\none.example\nx.local.example\n@@com\n")
    found.fetch(["zone.example CNAME .", "*.zone.example CNAME ."])
    return found


# ---- the octets are those of a compilation from nothing ----


def _some_rule(rng: random.Random) -> str:
    name = f"{rng.choice('abcd')}.{rng.choice('ab')}{rng.choice(['.example', '.co.uk'])}"
    return rng.choice(["||{}^", "||{}^", "|{}^", "@@||{}^", "||{}^$badfilter", "{}"]).format(name)


def _edit(place: Place, rng: random.Random) -> None:
    """One edit of the config, of a list of the agency's own, or of a list of others."""
    match rng.randrange(9):
        case 0:
            place.denied = [*place.denied[-3:], f"d{rng.randrange(9)}.example"]
        case 1:
            place.local = rng.sample(["x.local.example", "b.example", "y.example"], 2)
        case 2:
            place.allowing = not place.allowing
        case 3:
            service = rng.choice(["one", "two", "more-of-it", "a"])
            place.write_list(service, ["||z.example^", *(_some_rule(rng) for _ in range(6))])
        case 4:
            path = place.lists / f"{rng.choice(['one', 'two'])}.txt"
            path.write_text(path.read_text() + f"\n{_some_rule(rng)}")
        case 5:
            (place.lists / "a.txt").unlink(missing_ok=True)
        case 6:
            (place.lists / "one.ip").write_text(f"149.154.16{rng.randrange(8)}.0/24\n")
        case 7:
            path = place.config.with_name("more.txt")
            names = (f"{rng.choice('abc')}.{rng.choice('xyz')}.example" for _ in range(4))
            path.write_text("\n".join(names))
        case 8:
            names = (f"{rng.choice(['', '*.'])}{rng.choice('abcd')}.example" for _ in range(5))
            place.fetch(
                [f"{name} CNAME {rng.choice(['.', 'rpz-passthru.'])}" for name in names]
                + ["q.example CNAME ."]
            )
    place.write()


def test_edits_one_after_another_give_the_octets_of_a_compilation_from_nothing(
    place: Place,
) -> None:
    rng = random.Random(41)
    place.compile()
    seen = set()
    for _ in range(EDITS):
        _edit(place, rng)
        made = content(place.compile())
        assert made == place.compile_from_nothing()
        seen.add(made[""])
    assert len(seen) > EDITS // 2


# ---- what is damaged, or of another release, is found and made again ----


def _cut_short(octets: bytes) -> bytes:
    return octets[: len(octets) // 2]


def _other_rule(octets: bytes) -> bytes:
    return octets[:-1] + b"x"


def _other_count(octets: bytes) -> bytes:
    return octets.replace(b'"rules": [1', b'"rules": [9', 1)


def _empty(_: bytes) -> bytes:
    return b""


DAMAGES = [_cut_short, _other_rule, _other_count, _empty]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_reading_that_was_changed_is_made_again(
    place: Place, damage: Callable[[bytes], bytes]
) -> None:
    place.compile()
    kept = {path: path.read_bytes() for path in place.readings()}
    assert len(kept) == 4
    for path, octets in kept.items():
        path.write_bytes(damage(octets))
    _forget_indexes(place)
    assert content(place.compile()) == place.compile_from_nothing()
    assert {path: path.read_bytes() for path in place.readings()} == kept


def test_a_reading_under_the_name_of_another_is_made_again(place: Place) -> None:
    place.compile()
    kept = {path: path.read_bytes() for path in place.readings()}
    first, *others = kept
    for path in others:
        path.write_bytes(kept[first])
    _forget_indexes(place)
    assert content(place.compile()) == place.compile_from_nothing()
    assert {path: path.read_bytes() for path in place.readings()} == kept


def _forget_indexes(place: Place) -> None:
    for key in place.state.glob("snapshots/*/index.key"):
        key.unlink()


def test_an_index_that_was_changed_is_made_again(place: Place) -> None:
    rules = place.compile() / "index.rules"
    rules.write_bytes(_other_rule(rules.read_bytes()))
    place.denied = ["new.example"]
    place.write()
    assert content(place.compile()) == place.compile_from_nothing()


def test_an_index_key_in_another_snapshot_is_not_believed(place: Place) -> None:
    first = place.compile()
    place.write_list("one", ["||other.example^"])
    second = place.compile()
    (second / "index.key").write_bytes((first / "index.key").read_bytes())
    shutil.rmtree(first)
    place.write_list("one", ["||one.example^", "@@||x.one.example^"])
    assert place.compile() == first
    assert content(first) == place.compile_from_nothing()


def test_root_does_not_map_an_index_of_another_user(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = place.compile()
    counts = counts_of(monkeypatch)
    monkeypatch.setattr(compilation, "is_own", lambda _: False)
    assert place.compile() == snapshot
    assert (counts.read, counts.built) == (0, 1)


def test_what_another_release_has_kept_is_not_used(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.compile()
    kept = {path.name for path in place.readings()}
    for module in (kept_readings, index):
        monkeypatch.setattr(module, "program_hash", lambda: "that of another release")
    counts = counts_of(monkeypatch)
    place.compile()
    assert (counts.read, counts.built) == (2, 1)
    assert len({path.name for path in place.readings()} - kept) == 4


def test_another_release_has_another_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    now = program_hash.program_hash.__wrapped__()
    monkeypatch.setattr(program_hash, "__version__", "9.9")
    assert program_hash.program_hash.__wrapped__() != now


def test_the_releases_of_the_libraries_count() -> None:
    assert all(program_hash._releases(library) for library in program_hash._LIBRARIES)


# ---- what cannot be kept prevents nothing; what is kept is bounded ----


def test_a_folder_that_cannot_be_written_prevents_nothing(place: Place) -> None:
    place.state.mkdir(exist_ok=True)
    (place.state / "list-readings").write_text("in the way")
    assert content(place.compile()) == place.compile_from_nothing()


def test_the_oldest_readings_go(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abcd":
        place.write_list("one", [f"||{name}.example^"])
        place.compile()
    assert len(place.readings()) == 4 + 3
    monkeypatch.setattr(kept_readings, "_MOST", 0)
    place.compile()
    assert len(place.readings()) == 4
    counts = counts_of(monkeypatch)
    place.compile()
    assert (counts.read, counts.built) == (0, 0)


def test_a_config_that_is_wrong_removes_no_reading(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.compile()
    kept = place.readings()
    monkeypatch.setattr(kept_readings, "_MOST", 0)
    place.config.write_text(place.config.read_text().replace("directories", "directory"))
    with pytest.raises(Rejected):
        place.compile()
    assert place.readings() == kept
