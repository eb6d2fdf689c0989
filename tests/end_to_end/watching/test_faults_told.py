"""What a server loses while it runs: each loss is in the status and in the metric of all faults."""

import resource
import socket
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from tests.live.commands import GOOD, darban
from tests.live.configs import replaced_once, small
from tests.live.namespaces import namespaces
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

ADDRESS = "10.99.0.53"


def _told(server: Server, kind: str, times: int) -> None:
    def is_told() -> bool:
        return server.scrape().value("darban_faults", kind=kind) == times

    wait_for(is_told, f"{kind}: {times}")


def _status(server: Server) -> str:
    done = darban("status", at=server.directory)
    assert done.code == GOOD
    return done.out


@pytest.mark.parametrize("address", [ADDRESS, "fd00:99::53"])
def test_a_listen_address_that_goes_and_comes_back(
    ip_program: Path, tmp_path: Path, address: str
) -> None:
    with namespaces(ip_program) as made, ExitStack() as stack:
        box = made.add("box")
        made.give(box, address)
        server = stack.enter_context(servers(tmp_path))(small(["127.0.0.1:9"]))
        endpoint = f"[{address}]:{server.port}" if ":" in address else f"{address}:{server.port}"
        text = server.config.read_text(encoding="utf-8")
        old = f'"[::1]:{server.port}"'
        text = replaced_once(text, old, f'{old}, "{endpoint}"')
        server.config.write_text(text, encoding="utf-8")
        server.through = made.into(box)
        server.expect_error("this host has no such address now")
        server.start()
        _told(server, "address_missing", 0)
        made.take(box, address)
        _told(server, "address_missing", 1)
        assert f"{endpoint}: this host has no such address now" in _status(server)
        made.give(box, address)
        _told(server, "address_missing", 0)
        assert "no such address" not in _status(server)


def test_no_free_descriptors(make_small: Callable[..., Server]) -> None:
    server = make_small().start()
    [worker] = server.workers()
    limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    held = {int(path.name) for path in Path(f"/proc/{worker}/fd").iterdir()}
    free = next(number for number in count() if number not in held)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (free, limits[1]))
    with socket.create_connection(("127.0.0.1", server.port)):
        _told(server, "tcp_not_accepted", 1)
        assert "TCP connections are not accepted: no file descriptor is left" in _status(server)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, limits)
        _told(server, "tcp_not_accepted", 0)
    assert server.err.count("no TCP connection is accepted for now") == 1
