"""A ministry's response policy zone: transferred by Knot, taken over by Darban as a list."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, darban
from tests.live.configs import ROOT, replaced_once, shipped
from tests.live.knot import Knot, knot, new_key, secret
from tests.live.ports import free_port
from tests.live.server import Server
from tests.live.waiting import wait_for

Make = Callable[[str], Server]

ZONE = "rpz.ministry.example"
NAMES = "".join(f"b{n}.example CNAME .\n*.b{n}.example CNAME .\n" for n in range(20))
UNREAD = (
    "32.1.2.0.192.rpz-ip CNAME .\n24.0.2.0.192.rpz-client-ip CNAME .\nd.example CNAME rpz-drop.\n"
)
_SOA = "$TTL 60\n@ SOA localhost. nobody.invalid. {serial} 60 60 86400 60\n@ NS localhost.\n"
_PRIMARY = """
server:
    rundir: {directory}
    listen: [127.0.0.1@{port}]
log:
  - target: stderr
    any: info
database:
    storage: {directory}
{key}
remote:
  - id: agency
    address: 127.0.0.1@{secondary}
    key: ministry
acl:
  - id: agency
    key: ministry
    action: transfer
zone:
  - domain: rpz.ministry.example
    storage: {directory}
    file: zone
    zonefile-load: whole
    notify: agency
    acl: agency
"""
_SECONDARY = """
server:
    rundir: {directory}
    listen: [127.0.0.1@{port}]
log:
  - target: stderr
    any: info
database:
    storage: {directory}
include: {directory}/ministry.conf
"""


@pytest.fixture
def ports() -> tuple[int, int]:
    """Those of the ministry's primary and of the secondary."""
    return free_port(), free_port()


@pytest.fixture
def key() -> str:
    return new_key("ministry")


@pytest.fixture
def ministry(ports: tuple[int, int], key: str, tmp_path: Path) -> Iterator[Knot]:
    directory = tmp_path / "ministry"
    directory.mkdir()
    (directory / "zone").write_text(_SOA.format(serial=1) + NAMES + UNREAD)
    port, secondary = ports
    text = _PRIMARY.format(directory=directory, port=port, secondary=secondary, key=key)
    with knot(directory, text) as running:
        yield running


@pytest.fixture
def transferred(ministry: Knot, ports: tuple[int, int], key: str, tmp_path: Path) -> Iterator[Path]:
    """The file that the shipped config of Knot writes."""
    directory = tmp_path / "secondary"
    directory.mkdir()
    text = (ROOT / "deploy" / "knot" / "ministry.conf").read_text(encoding="utf-8")
    text = replaced_once(text, "192.0.2.10@53", f"127.0.0.1@{ports[0]}")
    text = replaced_once(text, "address: 192.0.2.10\n", "address: 127.0.0.1\n")
    text = replaced_once(text, "A" * 43 + "=", secret(key))
    text = replaced_once(text, "/var/lib/darban-lists", str(directory))
    (directory / "ministry.conf").write_text(text)
    with knot(directory, _SECONDARY.format(directory=directory, port=ports[1])):
        file = directory / "ministry.zone"
        wait_for(file.exists, "the zone is transferred")
        yield file
    assert ministry.process.poll() is None


@pytest.fixture
def server(make: Make, upstream: str, transferred: Path) -> Server:
    text = replaced_once(
        shipped([upstream]),
        'block = ["@messenger", "@encrypted-dns"]',
        'block = ["@messenger", "@encrypted-dns", "@ministry"]',
    )
    text += f'[lists.sources.ministry]\nurl = "file://{transferred}"\n'
    text += 'format = "rpz"\ncategory = "ministry"\n'
    server = make(text)
    return server.start()


def _is_blocked(server: Server, name: str) -> bool:
    answer = ask(server.port, name, client="127.0.10.5")
    assert answer is not None
    return str(answer.rr[0].rdata) == "0.0.0.0"


def test_a_transferred_zone_is_a_list_with_the_guards_of_all_lists(
    server: Server, ministry: Knot, transferred: Path
) -> None:
    wait_for(lambda: _is_blocked(server, "www.b7.example"), "the zone is in force")
    assert not _is_blocked(server, "later.example")
    shown = darban("lists", at=server.directory).out
    for reason in ("trigger rpz-ip", "trigger rpz-client-ip", "action rpz-drop"):
        assert f"1 skipped: the {reason}" in shown

    zone = ministry.directory / "zone"
    zone.write_text(_SOA.format(serial=2) + NAMES + UNREAD + "later.example CNAME .\n")
    ministry.control("zone-reload")
    wait_for(lambda: "later.example" in transferred.read_text(), "the zone is transferred again")
    assert darban("lists", "update", "ministry", at=server.directory).code == GOOD
    assert _is_blocked(server, "later.example")

    zone.write_text(_SOA.format(serial=3) + "later.example CNAME .\n")
    ministry.control("zone-reload")
    wait_for(lambda: "b7.example" not in transferred.read_text(), "the zone is nearly empty")
    done = darban("lists", "update", "ministry", at=server.directory)
    assert done.code == NO, done.out
    assert "ministry: held" in done.out
    assert _is_blocked(server, "www.b7.example")


def test_a_file_that_is_gone_leaves_the_last_good_copy(server: Server, transferred: Path) -> None:
    wait_for(lambda: _is_blocked(server, "www.b7.example"), "the zone is in force")
    server.expect_error("list ministry: .* cannot be read")
    transferred.unlink()
    done = darban("lists", "update", "ministry", at=server.directory)
    assert (done.code, "cannot be read (No such file" in done.out) == (NO, True)
    assert _is_blocked(server, "www.b7.example")
