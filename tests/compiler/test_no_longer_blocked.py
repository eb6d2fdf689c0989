"""Lists that have lost what was in force last: held until a person accepts it."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_and_save, compile_file
from resolver.compiler.compilation_result import ALL_LISTS, Accepted, Held
from resolver.snapshot import store
from resolver.snapshot.list_store import ListRecord, ListStore

CONFIG = """
[warnings]
acknowledged = ["no-encrypted-dns"]
[lists]
directories = ["own", "more"]
[policies.p]
block = ["@messenger", "@advertising"]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
[lists.sources.extra]
file = "extra.txt"
format = "plain"
service = "telegram"
[lists.sources.ads]
url = "https://lists.example/ads.txt"
format = "hosts"
category = "advertising"
"""
HEAD = "! Category: messenger\n"
RULES = "".join(f"||n{number}.example^\n" for number in range(10))
PLAIN = "".join(f"e{number}.example\n" for number in range(10))
HOSTS = "".join(f"0.0.0.0 a{number}.example\n" for number in range(10)).encode()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config whose lists are in force."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    for directory in ("own", "more"):
        (tmp_path / directory).mkdir()
    (tmp_path / "own" / "telegram.txt").write_text(HEAD + RULES)
    (tmp_path / "own" / "telegram.ip").write_text("149.154.160.0/20\n")
    (tmp_path / "own" / "viber.txt").write_text(HEAD + "||viber.example^\n")
    (tmp_path / "more" / "telegram.txt").write_text(HEAD + "||more.example^\n")
    (tmp_path / "extra.txt").write_text(PLAIN)
    (tmp_path / "config.toml").write_text(CONFIG)
    _fetched(tmp_path, HOSTS)
    store.mark_good(Path(_reload(tmp_path).snapshot))
    return tmp_path


def _fetched(place: Path, content: bytes, kind: str = "hosts") -> None:
    fetched = ListStore(place / ".darban")
    with fetched.temporary_file("ads") as file:
        file.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        fetched.replace("ads", file, ListRecord(sha256=digest, format=kind))


def _reload(place: Path, *accepted: str) -> Accepted:
    return compile_and_save(place / "config.toml", place / ".darban", None, accepted)


def _write(file: str, text: str) -> Callable[[Path], object]:
    return lambda place: (place / file).write_text(text)


LOST: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "gone": (
        lambda place: (place / "own/viber.txt").unlink(),
        "viber",
        "own/viber.txt: warning: viber: found no entry; expected the 1 that were in force last. "
        "Restore it, or accept the loss: darban reload --accept.",
    ),
    "a third": (
        _write("own/telegram.txt", HEAD + "".join(RULES.splitlines(keepends=True)[:7])),
        "telegram",
        "own/telegram.txt: warning: telegram: found 7 entries; expected the 10 that",
    ),
    "excepted": (
        _write("own/telegram.txt", HEAD + RULES + "@@||example^\n||telegram.org^\n"),
        "telegram",
        "own/telegram.txt: warning: telegram: found 1 entry; expected the 10 that",
    ),
    "ranges": (
        lambda place: (place / "own/telegram.ip").unlink(),
        "telegram.ip",
        "own/telegram.ip: warning: telegram.ip: found no entry",
    ),
    "another category": (
        _write("own/viber.txt", "! Category: messengers\n||viber.example^\n"),
        "viber",
        "own/viber.txt: warning: viber: found category messengers; expected messenger, as",
    ),
    "a file of others": (
        _write("extra.txt", "".join(PLAIN.splitlines(keepends=True)[:5])),
        "extra",
        "extra.txt: warning: extra: found 5 entries; expected the 10 that",
    ),
    "no copies": (
        lambda place: shutil.rmtree(place / ".darban/lists"),
        "ads",
        "https://lists.example/ads.txt: warning: ads: found no entry; expected the 10 that",
    ),
    "another copy": (
        lambda place: _fetched(place, HOSTS[:60]),
        "ads",
        "https://lists.example/ads.txt: warning: ads: found 3 entries; expected the 10 that",
    ),
}


@pytest.mark.parametrize("what", LOST)
def test_what_a_list_has_lost_is_held_until_it_is_accepted(what: str, place: Path) -> None:
    lose, name, said = LOST[what]
    lose(place)
    for others in ((), ("other",)):
        with pytest.raises(Held) as held:
            _reload(place, *others)
        [line] = held.value.report
        assert line.startswith(said)
        assert held.value.code == 1
    assert line in map(str, compile_file(place / "config.toml", 1.8e9).problems), "check says so"
    for accepted in (name, ALL_LISTS):
        assert _reload(place, accepted).snapshot
    store.mark_good(Path(_reload(place, name).snapshot))
    assert not [warning for warning in _reload(place).warnings if "in force last" in warning]


def test_a_fifth_of_a_list_may_go(place: Path) -> None:
    kept = "".join(RULES.splitlines(keepends=True)[:8])
    (place / "own" / "telegram.txt").write_text(HEAD + kept)
    assert _reload(place).warnings == []


REMOVED = {
    "a directory": (
        'directories = ["own", "more"]',
        'directories = ["own"]',
        "more/telegram.txt: the config does not name this list any more: 1 entry goes",
    ),
    "a list": (
        CONFIG[CONFIG.index("[lists.sources.extra]") : CONFIG.index("[lists.sources.ads]")],
        "",
        "extra.txt: the config does not name this list any more: 10 entries go",
    ),
    "a service": (
        'block = ["@messenger", "@advertising"]',
        'block = ["telegram", "@advertising"]',
        "policy p does not block viber any more",
    ),
}


@pytest.mark.parametrize("what", REMOVED)
def test_what_the_config_names_no_more_goes_and_is_told(what: str, place: Path) -> None:
    old, new, said = REMOVED[what]
    assert old in CONFIG
    (place / "config.toml").write_text(CONFIG.replace(old, new))
    assert _reload(place).warnings == [said]


def test_a_default_that_blocks_no_more_is_told(place: Path) -> None:
    closed = CONFIG.replace("[policies.p]\n", '[policies.p]\ndefault = "block"\n')
    (place / "config.toml").write_text(closed)
    store.mark_good(Path(_reload(place).snapshot))
    assert _reload(place).warnings == []
    (place / "config.toml").write_text(CONFIG)
    assert _reload(place).warnings == [
        "policy p does not block names that nothing of it covers any more"
    ]


LOOSENED = {
    "a service is counted": (
        'block = ["@messenger", "@advertising"]',
        'block = ["telegram", "@advertising"]\ncount = ["viber"]',
        "policy p only counts viber from now on",
    ),
    "audit mode": (
        'block = ["@messenger", "@advertising"]',
        'block = ["@messenger", "@advertising"]\nmode = "audit"',
        "policy p only counts ads, telegram, viber from now on",
    ),
}


@pytest.mark.parametrize("what", LOOSENED)
def test_what_is_only_counted_from_now_on_is_told(what: str, place: Path) -> None:
    old, new, said = LOOSENED[what]
    (place / "config.toml").write_text(CONFIG.replace(old, new))
    assert _reload(place).warnings == [said]


def test_what_is_neither_blocked_nor_counted_any_more_is_told(place: Path) -> None:
    counted = CONFIG.replace("[policies.p]\n", '[policies.p]\ndefault = "count"\n')
    (place / "config.toml").write_text(counted)
    store.mark_good(Path(_reload(place).snapshot))
    (place / "config.toml").write_text(CONFIG)
    assert _reload(place).warnings == [
        "policy p does not count names that nothing of it covers any more"
    ]


def test_a_copy_is_read_in_the_format_that_it_was_fetched_in(place: Path) -> None:
    """Until the list has come in the one of the config: its source may be away."""
    config = place / "config.toml"
    config.write_text(CONFIG.replace('format = "hosts"', 'format = "adblock"'))
    assert _entries(place) == 10
    _fetched(
        place,
        b"||b.example^\n" + HOSTS.replace(b"0.0.0.0 ", b"||").replace(b"\n", b"^\n"),
        "adblock",
    )
    assert _entries(place) == 11
    (place / ".darban/lists/ads.list").write_bytes(b"damaged")
    assert _entries(place) == 10, "the copy before is of the format before"


def test_a_copy_whose_record_is_lost_is_no_copy(place: Path) -> None:
    """Nothing says what its content must be."""
    (place / ".darban/lists/ads.json").write_bytes(bytes(100))
    [error] = compile_file(place / "config.toml", 1.8e9).errors
    assert "Its copy has lost its record. Fetch it again" in error.advice


def _entries(place: Path) -> int:
    sources = compile_file(place / "config.toml", 1.8e9).snapshot.compiled.sources
    return {source.name: source.entries for source in sources}["ads"]
