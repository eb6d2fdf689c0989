"""The unit that gives a node its anycast addresses, with this host's systemd."""

import shutil
from pathlib import Path

from tests.live.configs import ROOT
from tests.live.debian import host_layer
from tests.live.programs import needed
from tests.live.systemd import booted

DEPLOY = ROOT / "deploy"
UNIT = "darban-anycast.service"
READY = """
setLocal("127.0.0.1:53")
addAction(AllRule(), SpoofAction("192.0.2.1"))
"""
"""dnsdist in the place of a node that is ready."""


def test_its_addresses_come_and_go_with_the_node(ip_program: Path, tmp_path: Path) -> None:
    assert ip_program, "a machine is made of namespaces"
    for program in ("dnsdist", "dig"):
        needed(program)
    with host_layer(tmp_path) as root:
        shutil.copy(DEPLOY / "bird" / UNIT, root / "etc/systemd/system")
        scripts = root / "usr/local/lib/darban"
        scripts.mkdir(parents=True, exist_ok=True)
        for script in (DEPLOY / "is-ready", DEPLOY / "bird/darban-anycast"):
            shutil.copy(script, scripts)
        (root / "etc/dnsdist/dnsdist.conf").write_text(READY, encoding="utf-8")
        with booted(root) as machine:
            # The kernel of a test machine may have no dummy interfaces.
            machine.good("ip", *["link", "add", "dns0", "type", "veth", "peer", "name", "dns1"])

            def addresses() -> list[str]:
                machine.good("systemctl", "start", UNIT)
                lines = machine.good(
                    "ip", *["-oneline", "address", "show", "dev", "dns0", "scope", "global"]
                )
                return [line for line in lines.split() if line.endswith(("/32", "/128"))]

            machine.good("systemctl", "start", "dnsdist")
            assert addresses() == ["10.0.0.53/32", "fd00::53/128"]
            machine.good("systemctl", "stop", "dnsdist")
            assert addresses() == []
