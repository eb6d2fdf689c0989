"""A config that changes, and what its compilations read and make."""

import hashlib
import shutil
from pathlib import Path

import pytest

from resolver.compiler import index
from resolver.compiler.compilation import compile_and_save
from resolver.compiler.compilation_result import ALL_LISTS
from resolver.lists.adblock import AdblockReader
from resolver.snapshot import store
from resolver.snapshot.list_store import ListRecord, ListStore

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
            f'[[local]]\nname = "{text}"\nrecords = ["A 10.0.0.1"]\n' for text in self.local
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
        **{text: (snapshot / text).read_bytes() for text in SNAPSHOT},
    }


class Counts:
    """What a compilation has read and made."""

    read = 0
    """Lists of the agency's own."""
    built = 0
    """Indexes."""


def counts_of(monkeypatch: pytest.MonkeyPatch) -> Counts:
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
