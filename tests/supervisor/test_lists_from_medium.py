"""Whether the lists from a medium that are in force would be accepted now, by ssh-keygen."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from resolver.lists.manifest import MANIFEST, SIGNATURE
from resolver.metrics.part_states import MediumState
from resolver.metrics.served_config import ServedConfig
from resolver.snapshot import store
from resolver.snapshot.shipped_lists import ShippedLists
from resolver.supervisor.lists_from_medium import ListsFromMedium
from resolver.supervisor.reload import ReloadResult, Switch
from tests.fetch.signing import TOMORROW, allow, make_keys, manifest, signature
from tests.live.configs import BLOCKLISTS
from tests.live.programs import needed

pytestmark = pytest.mark.processes

_LIST = b"! Category: messenger\n||pager.example^\n"
_CONFIG = f"""
[lists]
directories = ["{BLOCKLISTS}"]
allowed_signers = "signers"
"""


async def _no_reload(who: str, _: Switch, __: Sequence[str]) -> ReloadResult:
    raise AssertionError(who)


class Node:
    """A config in force, which reads the lists of the release, or those from a medium."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.config = place / "config.toml"
        self.config.write_text(_CONFIG, encoding="utf-8")
        self.lists = ShippedLists(store.directory(self.config))
        make_keys(place, "noc", "desk")
        allow(place, "noc")

    def put_in_force(self, expires: dt.date = TOMORROW) -> None:
        """Lists from a medium, signed by noc."""
        content = manifest(7, {"pager.txt": _LIST}, expires)
        signed = signature(content, self.place / "noc")
        files = {"pager.txt": _LIST, MANIFEST: content, SIGNATURE: signed}
        self.lists.switch(self.lists.keep(files))

    def refusal(self) -> str:
        """What the part says of them once it has looked."""
        compiled = compile_file(self.config, 1e9).snapshot.compiled
        served = ServedConfig(self.config, store.directory(self.config), compiled, self.place, 1.0)
        part = ListsFromMedium(served, _no_reload)
        asyncio.run(part.look())
        [state] = part.states()
        assert isinstance(state, MediumState)
        return state.refusal


@pytest.fixture
def node(tmp_path: Path) -> Node:
    needed("ssh-keygen")
    return Node(tmp_path)


def test_a_key_that_was_removed_is_said_until_it_is_back(node: Node) -> None:
    node.put_in_force()
    assert node.refusal() == ""
    allow(node.place, "desk")
    assert node.refusal().startswith("it is not signed by an allowed signer")
    allow(node.place, "desk", "noc")
    assert node.refusal() == ""


def test_a_manifest_that_has_expired_is_said_only_where_its_lists_are_read(node: Node) -> None:
    yesterday = TOMORROW - dt.timedelta(2)
    node.put_in_force(yesterday)
    assert node.refusal() == f"{MANIFEST} has expired: it held until {yesterday}"
    node.config.write_text(_CONFIG.replace(f'"{BLOCKLISTS}"', ""), encoding="utf-8")
    assert node.refusal() == ""
