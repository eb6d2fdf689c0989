"""Which directory is read for that of the release."""

from pathlib import Path

import pytest

from resolver.cli.lists_manifest import manifest
from resolver.lists.manifest import MANIFEST, InvalidManifest
from resolver.snapshot.list_directory import hashes, read_files
from resolver.snapshot.shipped_lists import Note, ShippedLists, is_shipped
from tests.live.configs import BLOCKLISTS


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "lists"
    made.mkdir()
    (made / "pager.txt").write_text("||pager.example^\n", "utf-8")
    return made


def test_which_directory_is_read(directory: Path, tmp_path: Path) -> None:
    link = tmp_path / "installed"
    link.symlink_to(BLOCKLISTS)
    assert [is_shipped(path) for path in (BLOCKLISTS, link, directory)] == [True, True, False]
    lists = ShippedLists(tmp_path / "state")
    assert (lists.directory(BLOCKLISTS), lists.linked()) == (BLOCKLISTS, "")
    manifest(directory, serial=7, expires="2999-01-01")
    name = lists.keep(read_files(directory))
    assert lists.directory(BLOCKLISTS) == BLOCKLISTS, "what is stored is not in force"
    lists.switch(name, Note("somebody", "hash"))
    assert [lists.directory(path) for path in (link, directory)] == [lists.current, directory]
    assert (lists.note(), lists.manifest().serial) == (Note("somebody", "hash"), 7)
    assert dict(lists.files()) == {
        lists.current / "pager.txt": hashes(read_files(directory))["pager.txt"]
    }
    other = lists.keep(read_files(directory))
    lists.remove_others()
    assert [path.name for path in lists.path(name).parent.iterdir()] == [name] != [other]
    (lists.path(name) / MANIFEST).write_text("{}", "utf-8")
    with pytest.raises(InvalidManifest):
        lists.manifest()
    lists.path(name).rename(tmp_path / "gone")
    assert lists.directory(BLOCKLISTS) == lists.current, "it does not go back unseen"
    lists.switch("")
    assert lists.directory(BLOCKLISTS) == BLOCKLISTS
