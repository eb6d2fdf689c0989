"""Edits on disk that nobody has reloaded are seen; comments are none."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.compiler import child_compiler
from resolver.compiler.compilation import compile_and_save
from resolver.compiler.compilation_result import Edits
from resolver.compiler.edits import unreloaded
from resolver.metrics.part_states import EditState
from resolver.metrics.served_config import ServedConfig
from resolver.snapshot import store
from resolver.snapshot.config_files import SourceTexts
from resolver.supervisor import edit_watch
from resolver.supervisor.edit_watch import EditWatch

TEXT = """
include = ["more/*.toml"]
[lists]
directories = ["lists"]
[policies.p]
block = ["one"]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
[[expect]]
client = "10.0.0.1"
name = "one.example"
outcome = "blocked"
"""
LIST = "! Category: messenger\n||one.example^\n||two.example^\n"


SHORT = LIST.replace("||two.example^\n", "")


class Watched:
    """A config in force, and the watch over its files."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config.toml"
        self.list = directory / "lists" / "one.txt"
        self.more = directory / "more"
        for item in (self.list.parent, self.more):
            item.mkdir()
        self.config.write_text(TEXT)
        self.list.write_text(LIST)
        self.state = store.directory(self.config)
        self.sources = self.compiled()
        path = store.last_good(self.state)
        config = ServedConfig(self.config, self.state, store.load(path)[0], path, 0.0)
        self.watch = EditWatch(config, lambda: self.sources)

    def compiled(self) -> SourceTexts:
        accepted = compile_and_save(self.config, self.state, None, ())
        assert accepted.sources is not None
        store.mark_good(Path(accepted.snapshot))
        return accepted.sources

    def look(self) -> EditState:
        asyncio.run(self.watch.look())
        [found] = self.watch.states()
        assert isinstance(found, EditState)
        return found


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return Watched(tmp_path)


def _append(path: Path, text: str) -> None:
    path.write_text((path.read_text() if path.exists() else "") + text)


@pytest.mark.parametrize(
    ("edit", "files", "refused"),
    [
        (lambda w: _append(w.config, "# a comment\n"), (), ""),
        (lambda w: _append(w.config, "[policies.q]\n"), ("config.toml",), ""),
        (lambda w: _append(w.config, "[[\n"), ("config.toml",), "config.toml:14"),
        (lambda w: w.config.write_text(TEXT.replace('["one"]', "[]")), ("config.toml",), "passed"),
        (lambda w: w.config.unlink(), ("config.toml",), "config.toml"),
        (lambda w: _append(w.list, "||three.example^\n"), ("lists/one.txt",), ""),
        (lambda w: w.list.write_text(SHORT), ("lists/one.txt",), "were in force"),
        (lambda w: (w.list.parent / "new.txt").write_text(LIST), ("lists/new.txt",), ""),
        (lambda w: (w.more / "a.toml").write_text("[policies.q]\n"), ("more/a.toml",), ""),
    ],
    ids=[
        *("comment", "section", "no-toml", "expectation", "gone", "list", "loss"),
        *("new-list", "new-include"),
    ],
)
def test_what_differs_is_named_and_whether_a_start_refuses_it(
    watched: Watched, edit: Callable[[Watched], object], files: tuple[str, ...], refused: str
) -> None:
    assert unreloaded(watched.config, watched.sources).files == ()
    edit(watched)
    found = unreloaded(watched.config, watched.sources)
    assert found.files == files
    assert bool(found.refused) == bool(refused)
    assert refused in "\n".join(found.refused)


@pytest.mark.processes
def test_a_process_looks_at_the_files(watched: Watched) -> None:
    assert watched.look() == EditState()
    _append(watched.config, "[[\n")
    found = watched.look()
    assert found.files == ("config.toml",)
    assert found.since
    assert "config.toml:14" in found.refused[0]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What has been compared, in this process."""
    found: list[Path] = []

    async def look(config: Path, sources: SourceTexts) -> Edits:
        found.append(config)
        return unreloaded(config, sources)

    monkeypatch.setattr(edit_watch, "edits_in_child", look)
    return found


def test_nothing_is_compared_again_before_something_changes(
    watched: Watched, compared: list[Path]
) -> None:
    _append(watched.config, "[policies.q]\n")
    first = watched.look()
    assert watched.look() == first
    assert len(compared) == 1
    _append(watched.config, "[policies.r]\n")
    assert watched.look().since == first.since, "it has differed all the time"
    assert len(compared) == 2


@pytest.mark.usefixtures("compared")
def test_a_reload_that_puts_it_in_force_ends_it_at_once_and_one_of_lists_does_not(
    watched: Watched,
) -> None:
    _append(watched.config, "[policies.q]\n")
    found = watched.look()
    before = watched.sources
    watched.sources = SourceTexts(before.texts, before.lists, {"fetched": "0" * 64})
    watched.watch.after_reload()
    assert [*watched.watch.states()] == [found]
    watched.sources = watched.compiled()
    watched.watch.after_reload()
    assert [*watched.watch.states()] == [EditState()]
    assert watched.look() == EditState()


@pytest.mark.processes
@pytest.mark.parametrize("bound", ["memory", "time"])
def test_a_look_that_takes_too_much_is_ended_and_said_and_made_again_after_a_change(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, bound: str
) -> None:
    if bound == "memory":
        monkeypatch.setattr(child_compiler, "_LIMITS", "ulimit -v 131072 && ")
        watched.list.write_text(LIST + "".join(f"||n{at}.example^\n" for at in range(300_000)))
    else:
        monkeypatch.setattr(child_compiler, "_MOST_SECONDS", 0.0)
        _append(watched.config, "[policies.q]\n")
    assert watched.look() == EditState(is_unknown=True)
    assert "whether an edit was not reloaded is not known" in caplog.text
    monkeypatch.undo()
    assert watched.look() == EditState(is_unknown=True), "nothing has changed"
    watched.list.write_text(LIST)
    _append(watched.config, "[policies.r]\n")
    assert watched.look().files == ("config.toml",)
