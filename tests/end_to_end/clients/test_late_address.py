"""Addresses that this host gets after the start, for DNS, the metrics and the block page."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.live.configs import replaced_once, small
from tests.live.namespaces import Namespaces, namespaces
from tests.live.programs import needed
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

METRICS = "10.99.0.1"
NAME_SERVERS = ("10.99.0.53", "fd00:99::53")
PAGES = ("10.99.0.54", "fd00:99::54")


def endpoints(addresses: Sequence[str], port: int) -> list[str]:
    return [
        f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address in addresses
    ]


class Box:
    """A server in a namespace that has none of these addresses yet."""

    def __init__(self, server: Server, made: Namespaces, name: str) -> None:
        self.server = server
        self._made = made
        self._name = name

    def give(self, address: str) -> None:
        self._made.give(self._name, address)

    def says_that_it_lacks(self, endpoint: str) -> bool:
        return (
            re.search(f"^ERROR supervisor: {re.escape(endpoint)}: ", self.server.err, re.M)
            is not None
        )

    def resolves(self, address: str, *options: str) -> bool:
        dig = [*self._made.into(self._name), str(needed("dig")), "-p", str(self.server.port)]
        dig += [f"@{address}", "localhost", "+tries=1", "+timeout=1", *options]
        done = subprocess.run(dig, capture_output=True, text=True, check=False)
        return "status: " in done.stdout

    def answers(self, url: str) -> bool:
        return self.status(url) == "200"

    def status(self, url: str) -> str:
        """The status of a response; 000 without one."""
        curl = [*self._made.into(self._name), str(needed("curl")), "--silent", "--globoff"]
        curl += ["--output", "/dev/null", "--write-out", "%{http_code}", url]
        return subprocess.run(curl, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def box(ip_program: Path, tmp_path: Path) -> Iterator[Box]:
    with namespaces(ip_program) as made, ExitStack() as stack:
        name = made.add("box")
        page = f'[block_page]\nlisten = ["{PAGES[0]}:80", "[{PAGES[1]}]:80"]\n'
        server = stack.enter_context(servers(tmp_path))(small(["127.0.0.1:9"], more=page))
        port = server.metrics_port
        text = server.config.read_text(encoding="utf-8")
        text = replaced_once(text, f"127.0.0.1:{port}", f"{METRICS}:{port}")
        more = "".join(f', "{endpoint}"' for endpoint in endpoints(NAME_SERVERS, server.port))
        text = replaced_once(text, f'"[::1]:{server.port}"', f'"[::1]:{server.port}"{more}')
        text = replaced_once(text, "workers = 1", "workers = 2")
        server.options = ["--last-good"]
        server.config.write_text(text, encoding="utf-8")
        server.through = made.into(name)
        server.expect_error(
            "cannot be served there until this host has the address|has no such address now"
        )
        yield Box(server.start(), made, name)
        assert server.stop().code == 0
        server.check_log()


def test_they_are_served_once_the_host_has_the_address(box: Box) -> None:
    port = box.server.metrics_port
    served = {
        METRICS: f"{METRICS}:{port}",
        PAGES[0]: f"{PAGES[0]}:80",
        PAGES[1]: f"[{PAGES[1]}]:80",
    }
    for address, endpoint in served.items():
        url = f"http://{endpoint}/healthz"
        wait_for(partial(box.says_that_it_lacks, endpoint), "it says so")
        assert box.status(url) == "000"
        box.give(address)
        wait_for(partial(box.answers, url), "it is served")


def test_the_other_addresses_of_a_service_are_served_meanwhile(box: Box) -> None:
    for address, endpoint in zip(
        NAME_SERVERS, endpoints(NAME_SERVERS, box.server.port), strict=True
    ):
        assert box.says_that_it_lacks(endpoint)
        assert box.resolves("127.0.0.1")
        assert not box.resolves(address)
        box.give(address)
        wait_for(partial(box.resolves, address), "it is served over UDP")
        assert box.resolves(address, "+tcp")
