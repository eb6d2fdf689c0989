"""``darban export PROGRAM``: an engine enforces what it is given, and ``--check`` asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG, darban
from tests.live.ports import free_port
from tests.programs.parity.comparison import ENGINES, site
from tests.programs.parity.engines import Site
from tests.programs.parity.policy_under_test import CLIENTS

NAMES = [name for name, engine in ENGINES.items() if engine.target]
ADMINISTRATION = "127.0.10.5"


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_with_the_exported_config_answers_as_the_policy_says(
    name: str, of: Site, tmp_path: Path
) -> None:
    engine = ENGINES[name](of, tmp_path / "engine")
    with engine.run():
        for client, _ in CLIENTS.values():
            if client.name == "press":
                continue  # an exemption that zones cannot express
            port = str(engine.ports[client.vlan])
            address = ("--check", "127.0.0.1", "--port", port, "--client", client.address)
            done = darban("export", str(engine.target), *address, at=of.server.directory)
            assert done.code == GOOD, done.out + done.err
            assert "not in the zones: exemption press" in done.out
            asked = int(done.out.split("answers agree")[0].split()[-1])
            assert f"{asked} of {asked} answers agree" in done.out
            assert asked >= 8, done.out


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_blocks_an_ipv4_range_inside_ipv6(name: str, of: Site, tmp_path: Path) -> None:
    engine = ENGINES[name](of, tmp_path / "engine")
    with engine.run():
        port = engine.ports["administration"]
        for form in ("compatible", "mapped", "nat64", "6to4"):
            expected = [] if (name, form) == ("BIND", "mapped") else ["::"]
            assert _addresses(port, f"{form}.scene", "AAAA") == expected
        assert _addresses(port, "address.scene", "A") == ["0.0.0.0"]
        assert _addresses(port, "beside-6to4.scene", "AAAA") == ["2002:959b:a763::1"]
        assert _addresses(port, "ns.scene", "A") == ["127.0.0.1"]
    logs = "".join(each.read_text(encoding="utf-8") for each in engine.directory.glob("*output-*"))
    assert "does not correspond" not in logs


def _addresses(port: int, name: str, rtype: str) -> list[str]:
    answer = ask(port, name, rtype, client=ADMINISTRATION)
    return [] if answer is None else [str(record.rdata) for record in answer.rr]


def test_what_an_engine_answers_otherwise_is_printed(of: Site) -> None:
    """The upstream is asked itself: it blocks nothing."""
    address = ("--check", "127.0.0.1", "--port", str(of.upstream), "--client", ADMINISTRATION)
    done = darban("export", "bind", *address, at=of.server.directory)
    assert done.code == NO, done.err
    assert f"{ADMINISTRATION}, VLAN administration: " in done.out
    found = "  alpha.chat A DO=0 RD=1: found NOERROR 192.0.2.80; expected NOERROR 0.0.0.0"
    assert found in done.out.splitlines()


def test_what_cannot_be_checked_is_told(of: Site) -> None:
    def check(*words: str) -> tuple[int, str]:
        done = darban("export", *words, at=of.server.directory)
        return done.code, done.err

    code, told = check("knot", "--check", "127.0.0.1")
    assert code == WRONG
    assert "expected it for one of bind, unbound, powerdns" in told
    code, told = check("bind", "--check", "localhost")
    assert code == WRONG
    assert "'localhost' is not an address" in told
    port = str(free_port())
    code, told = check("bind", "--check", "127.0.0.1", "--port", port, "--client", ADMINISTRATION)
    assert code == UNREACHABLE
    assert "gives 127.0.10.5 no answer" in told
    code, told = check("bind", "--check", "127.0.0.1", "--client", "192.0.2.1")
    assert code == WRONG
    assert "192.0.2.1 is in no VLAN" in told
