"""The hash of what a config is compiled from changes with each of its files, and with no other."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.snapshot import store
from resolver.snapshot.list_store import ListRecord, ListStore
from resolver.snapshot.source_hash import source_hash

CONFIG = """
include = ["more/*.toml"]

[lists]
directories = ["lists"]
ca_file = "ca.pem"

[lists.sources.local]
file = "local.txt"
format = "plain"
category = "messenger"

[lists.sources.fetched]
url = "https://lists.example/fetched.txt"
format = "plain"
category = "messenger"

[policies.one]
block = ["@messenger"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name, text in {
        "config.toml": CONFIG,
        "more/a.toml": '[vlans.a]\nprefixes = ["10.0.0.0/8"]\npolicy = "one"\n',
        "lists/one.txt": "! Category: messenger\n||one.example^\n",
        "lists/one.ip": "203.0.113.0/24\n",
        "lists/README.md": "no list",
        "local.txt": "local.example\n",
        "ca.pem": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "config.toml"


def test_the_same_files_have_the_same_hash(config: Path) -> None:
    before = source_hash(config)
    assert len(before) == 64
    (config.parent / "lists" / "README.md").write_text("another text")
    (config.parent / "unused.toml").write_text("")
    assert source_hash(config) == before


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("config.toml", CONFIG + "deny = ['denied.example']\n"),
        ("more/a.toml", '[vlans.a]\nprefixes = ["10.1.0.0/16"]\npolicy = "one"\n'),
        ("more/b.toml", ""),
        ("lists/one.txt", "! Category: messenger\n||two.example^\n"),
        ("lists/two.txt", "! Category: messenger\n||two.example^\n"),
        ("lists/one.ip", "203.0.112.0/24\n"),
        ("local.txt", "other.example\n"),
        ("ca.pem", "another"),
    ],
)
def test_another_file_has_another_hash(config: Path, file: str, text: str) -> None:
    before = source_hash(config)
    (config.parent / file).write_text(text)
    assert source_hash(config) not in ("", before)


def test_another_copy_of_a_fetched_list_has_another_hash(config: Path) -> None:
    found = [source_hash(config)]
    lists = ListStore(store.directory(config))
    for content in (b"one.example\n", b"two.example\n"):
        with lists.temporary_file("fetched") as aside:
            aside.write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            lists.replace("fetched", aside, ListRecord(format="plain", sha256=digest))
        found.append(source_hash(config))
    assert len({*found}) == 3


def _break(config: Path) -> None:
    config.write_text(CONFIG + "denny = []\n")


def _remove_list(config: Path) -> None:
    (config.parent / "local.txt").unlink()


def _remove_directory(config: Path) -> None:
    (config.parent / "lists").rename(config.parent / "moved")


@pytest.mark.parametrize("damage", [_break, _remove_list, _remove_directory])
def test_what_cannot_be_used_has_none(config: Path, damage: Callable[[Path], None]) -> None:
    assert source_hash(config)
    damage(config)
    assert source_hash(config) == ""
