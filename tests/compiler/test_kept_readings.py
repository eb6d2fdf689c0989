"""What is kept of lists and indexes changes no octet of a snapshot, and is found where damaged."""

import hashlib
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.compiler import compilation, index
from resolver.compiler.candidate import ALL_LISTS, Rejected
from resolver.compiler.compilation import compile_and_save
from resolver.lists.adblock import AdblockReader
from resolver.snapshot import kept_readings, program_hash, store
from resolver.snapshot.list_store import ListRecord, ListStore

EDITS = 60
SNAPSHOT = ("terms.json", "index.trie", "index.rules")


class Place:
    """A config with lists, whose state directory is kept, or is new for a compilation."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.config = path / "config.toml"
        self.lists = path / "lists"
        self.lists.mkdir()
        self.state = path / "state"
        self.monkeypatch = monkeypatch
        self.local: list[str] = []
        self.denied: list[str] = []
        self.allowing = False
        self.write()

    def write(self) -> None:
        local = "".join(
            f'[[local]]\nname = "{each}"\nrecords = ["A 10.0.0.1"]\n' for each in self.local
        )
        default = 'default = "block"\nallow = ["two"]' if self.allowing else ""
        self.config.write_text(
            f"""
[lists]
directories = ["lists"]
[lists.sources.more]
file = "more.txt"
format = "suffix"
service = "one"
[lists.sources.zone]
url = "https://lists.example/zone"
format = "rpz"
category = "messenger"
{local}
[policies.p]
block = ["@messenger"]
deny = {self.denied}
{default}
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""
        )

    def write_list(self, service: str, rules: list[str]) -> None:
        lines = ["! Title: It", "! Category: messenger", *rules]
        (self.lists / f"{service}.txt").write_text("\n".join(lines))

    def fetch(self, lines: list[str], state: Path | None = None) -> None:
        copies = ListStore(state or self.state)
        content = "\n".join(["@ SOA a b 1 2 3 4 5", *lines]).encode()
        with copies.temporary_file("zone") as fetched:
            fetched.write_bytes(content)
            record = ListRecord(format="rpz", sha256=hashlib.sha256(content).hexdigest())
            copies.replace("zone", fetched, record)

    def compile(self, state: Path | None = None) -> Path:
        """Put the config in force, as the server does."""
        state = state or self.state
        self.monkeypatch.setenv("STATE_DIRECTORY", str(state))
        snapshot = Path(compile_and_save(self.config, state, None, [ALL_LISTS]).snapshot)
        store.mark_good(snapshot)
        store.prune(snapshot)
        return snapshot

    def compile_from_nothing(self) -> dict[str, bytes]:
        state = self.state.with_name("nothing")
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        if (self.state / "lists").exists():
            shutil.copytree(self.state / "lists", state / "lists")
        return content(self.compile(state))

    def readings(self) -> list[Path]:
        return sorted((self.state / "list-readings").iterdir())


def content(snapshot: Path) -> dict[str, bytes]:
    return {
        "": snapshot.name.encode(),
        **{each: (snapshot / each).read_bytes() for each in SNAPSHOT},
    }


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
    counts = _counts(monkeypatch)
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
    counts = _counts(monkeypatch)
    place.compile()
    assert (counts.read, counts.built) == (2, 1)
    assert len({path.name for path in place.readings()} - kept) == 4


def test_another_release_has_another_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    now = program_hash.program_hash.__wrapped__()
    monkeypatch.setattr(program_hash, "__version__", "9.9")
    assert program_hash.program_hash.__wrapped__() != now


def test_the_releases_of_the_libraries_count() -> None:
    assert all(program_hash._releases(each) for each in program_hash._LIBRARIES)


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
    counts = _counts(monkeypatch)
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


# ---- a change costs what it changes, at a tenth of the largest size ----


class Counts:
    """What a compilation has read and made."""

    read = 0
    """Lists of the agency's own."""
    built = 0
    """Indexes."""


def _counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    counts, read, build = Counts(), AdblockReader.read, index.build

    def count_read(*given: str) -> object:
        counts.read += 1
        return read(*given)

    def count_build(*given: object) -> object:
        counts.built += 1
        return build(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(AdblockReader, "read", count_read)
    monkeypatch.setattr(index, "build", count_build)
    return counts


def _files(folder: Path) -> dict[int, os.stat_result]:
    """The files of a folder, by their inodes: what is written atomically gets a new one."""
    found = (path.stat() for path in folder.rglob("*") if path.is_file())
    return {each.st_ino: each for each in found}


@pytest.fixture
def tenth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place(tmp_path, monkeypatch)
    (tmp_path / "more.txt").write_text("more.example")
    for number in range(49):
        found.write_list(f"s{number}", [f"||n{number}-{each}.example^" for each in range(2000)])
    found.write_list("one", ["||one.example^"])
    found.compile()
    return found


def test_a_change_reads_and_writes_what_it_changes(
    tenth: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = _counts(monkeypatch)

    def written() -> int:
        """Compile; the octets that were written, but for those of the snapshot."""
        counts.read = counts.built = 0
        before = _files(tenth.state)
        snapshot = _files(tenth.compile()).keys()
        after = _files(tenth.state)
        return sum(after[each].st_size for each in after.keys() - before.keys() - snapshot)

    folder = {path: path.stat().st_ino for path in tenth.state.rglob("*")}
    assert (written(), counts.read, counts.built) == (0, 0, 0)
    assert {path: path.stat().st_ino for path in tenth.state.rglob("*")} == folder

    tenth.denied = ["denied.example"]
    tenth.write()
    assert (written(), counts.read, counts.built) == (0, 0, 0)

    path = tenth.lists / "s7.txt"
    path.write_text(path.read_text() + "\n||one-more.example^")
    size = path.stat().st_size
    assert 0 < written() < 3 * size, "its reading, and itself in the archive of lists"
    assert (counts.read, counts.built) == (1, 1)
