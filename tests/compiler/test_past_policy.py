"""The policy of an earlier moment, compiled from what is kept, whatever is on disk now."""

import shutil
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_and_save
from resolver.compiler.past_policy import NotKept, RefusedToday, compile_past
from resolver.snapshot import store
from resolver.snapshot.config_files import SourceTexts

CONFIG = """
include = ["more/*.toml"]
[lists]
directories = ["own"]
[lists.sources.others]
file = "others.txt"
format = "hosts"
service = "pager"
[policies.p]
block = ["pager"]
"""
VLAN = '[vlans.a]\nprefixes = ["10.1.0.0/16"]\npolicy = "p"\n'


class Server:
    """A config that was put in force, and its files."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config.toml"
        self.files = {
            "config.toml": CONFIG,
            "more/vlans.toml": VLAN,
            "own/pager.txt": "! Category: messenger\n||pager.example^\n",
            "own/pager.ip": "149.154.160.0/20\n",
            "others.txt": "0.0.0.0 other.example\n",
        }
        for name, text in self.files.items():
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.state = store.directory(self.config)
        accepted = compile_and_save(self.config, self.state, None, ())
        assert accepted.sources is not None
        self.sources: SourceTexts = accepted.sources
        self.hash = Path(accepted.snapshot).name

    def then(self) -> str:
        return compile_past(self.config, self.state, self.sources).hash()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_it_is_the_snapshot_of_then(server: Server) -> None:
    assert server.then() == server.hash


def test_files_that_are_gone_or_were_edited_decide_nothing(server: Server) -> None:
    folder = server.config.parent
    (folder / "own" / "pager.txt").write_text("! Category: messenger\n||now.example^\n")
    (folder / "own" / "new.txt").write_text("! Category: messenger\n||new.example^\n")
    (folder / "others.txt").unlink()
    (folder / "config.toml").write_text("")
    shutil.rmtree(folder / "more")
    assert server.then() == server.hash


@pytest.mark.parametrize("file", ["own/pager.txt", "own/pager.ip", "others.txt"])
def test_a_list_that_is_not_kept_is_named(server: Server, file: str) -> None:
    shutil.rmtree(server.state / "kept-lists")
    assert server.then() == server.hash, "those on disk are as they were"
    (server.config.parent / file).write_text("# another\n")
    with pytest.raises(NotKept, match="not kept: the list") as raised:
        server.then()
    assert file in str(raised.value)
    assert str(raised.value).count("SHA-256") == 1


def test_a_config_that_is_not_kept(server: Server) -> None:
    with pytest.raises(NotKept, match="the text of the config"):
        compile_past(server.config, server.state, SourceTexts())


def test_a_config_that_this_release_refuses_is_told_with_its_errors(server: Server) -> None:
    texts = {**server.sources.texts, "config.toml": CONFIG.replace("block", "blocked")}
    sources = SourceTexts(texts, server.sources.lists)
    with pytest.raises(RefusedToday, match="this release finds errors") as raised:
        compile_past(server.config, server.state, sources)
    assert "blocked" in str(raised.value)
