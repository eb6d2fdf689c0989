"""Engines with the exported config block an address range of IPv4 inside IPv6."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.programs.parity.comparison import ENGINES, site
from tests.programs.parity.engines import Site

pytestmark = pytest.mark.real_clock

NAMES = [name for name, engine in ENGINES.items() if engine.target]
ADMINISTRATION = "127.0.10.5"


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as running:
        yield running


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
    logs = "".join(path.read_text(encoding="utf-8") for path in engine.directory.glob("*output-*"))
    assert "does not correspond" not in logs
    if name == "BIND":
        # Unbound and the Recursor need the IPv4-mapped form of a range. BIND takes it for the IPv4
        # range, which the zone has, too, and says so: no name of a trigger would do for all three.
        log = (engine.directory / "log").read_text(encoding="utf-8").splitlines()
        warnings = [line for line in log if line.startswith(("warning:", "error:"))]
        mapped = r'warning: invalid rpz IP address "[0-9a-f.]+\.ffff\.zz\.rpz-ip\.'
        assert [line for line in warnings if not re.match(mapped, line)] == []


def _addresses(port: int, name: str, rtype: str) -> list[str]:
    answer = ask(port, name, rtype, client=ADMINISTRATION)
    return [] if answer is None else [str(record.rdata) for record in answer.rr]
