"""Who answers, as dig and kdig show it: where the operator has set it, and nowhere else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.clients import Asker
from tests.live.configs import small
from tests.live.server import Server

PUBLICITY, UNKNOWN = "127.0.20.5", "198.18.0.1"
SET = 'workers = 1\nidentity = "dns1.agency"'


@pytest.fixture(params=["dig", "kdig"])
def program(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(f"{request.param}_program")
    return path


@pytest.fixture(scope="module")
def named(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    """A server whose operator has set who it is."""
    return make_lasting(small([upstream], server=SET)).start()


@pytest.fixture(scope="module")
def nameless(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(small([upstream])).start()


def test_the_server_says_who_it_is(named: Server, program: Path) -> None:
    ask = Asker(program, named.port)
    for name in ("id.server", "hostname.bind", "ID.Server"):
        assert ask(PUBLICITY, name, "TXT", "-c", "CH").data == ['"dns1.agency"']
    for name in ("version.bind", "version.server", "other.bind"):
        assert ask(PUBLICITY, name, "TXT", "-c", "CH").status == "REFUSED"
    for name in ("agency.example", "web.telegram.org", "localhost"):
        assert '"dns1.agency"' in ask("127.0.10.5", name, "A", "+nsid").text.replace("(", '"')
        assert "dns1.agency" not in ask("127.0.10.5", name, "A").text
    named.check_log()


def test_by_default_it_does_not(nameless: Server, program: Path) -> None:
    ask = Asker(program, nameless.port)
    for name in ("id.server", "version.bind"):
        assert ask(PUBLICITY, name, "TXT", "-c", "CH").status == "REFUSED"
    assert "NSID" not in ask(PUBLICITY, "agency.example", "A", "+nsid").text
    nameless.check_log()
