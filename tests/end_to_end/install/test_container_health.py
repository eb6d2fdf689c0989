"""The health check of the container, against a real server."""

import subprocess
import sys

from tests.live.commands import GOOD, darban
from tests.live.configs import ROOT
from tests.live.ports import free_port
from tests.live.server import Server

CHECK = ROOT / "deploy" / "container-health"


def _health(port: int) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, CHECK, "127.0.0.1", str(port))
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_server_is_healthy_while_it_answers_and_is_not_drained(server: Server) -> None:
    assert _health(server.port).returncode == 0
    assert darban("drain", "--config", server.config, at=server.directory).code == GOOD
    drained = _health(server.port)
    assert (drained.returncode, drained.stderr) == (1, f"127.0.0.1 port {server.port}: rcode 2\n")
    assert darban("drain", "--end", "--config", server.config, at=server.directory).code == GOOD
    assert _health(server.port).returncode == 0


def test_where_nobody_answers_it_is_not(server: Server) -> None:
    assert server.is_running
    port = free_port()
    assert f"127.0.0.1 port {port}: " in _health(port).stderr
