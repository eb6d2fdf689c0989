"""The block page, served by the real process: to whom, in which words, and at whose cost."""

import datetime as dt
import http.client
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD
from tests.live.configs import EXEMPTION, shipped
from tests.live.ports import free_port
from tests.live.reloading import reload, restored
from tests.live.server import Server
from tests.live.waiting import wait_for

pytestmark = pytest.mark.core

PAGE = "127.0.0.54"
NAME = "web.telegram.org"
ADMINISTRATION, PUBLICITY, STRANGER = "127.0.10.5", "127.0.20.5", "127.0.99.5"
FRESH = (f"127.0.10.{n}" for n in range(10, 250))
PROCESS = "resolver.web.block_page_process"
UP = "darban_block_page_up"


@dataclass
class Told:
    """What a browser got."""

    status: int
    headers: Mapping[str, str]
    body: str


def get(
    port: int,
    host: str = NAME,
    client: str = "",
    method: str = "GET",
    path: str = "/",
    **headers: str,
) -> Told:
    """Ask as a client, else as one of administration that has not asked so far."""
    source = (client or next(FRESH), 0)
    with closing(
        http.client.HTTPConnection(PAGE, port, timeout=10, source_address=source)
    ) as connection:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": host, **given})
        got = connection.getresponse()
        return Told(got.status, dict(got.getheaders()), got.read().decode())


def _with_page(server: Server) -> int:
    """Let the server, not yet started, serve a page; its port."""
    port = free_port()
    text = server.config.read_text(encoding="utf-8")
    led = f'mode = "enforce"\nsinkhole = ["{PAGE}", "::"]'
    text = text.replace('mode = "enforce"', led, 1)
    text += f'\n[block_page]\nlisten = ["{PAGE}:{port}"]\n'
    server.config.write_text(text, encoding="utf-8")
    return port


@pytest.fixture
def made(make_shipped: Callable[..., Server]) -> tuple[Server, int]:
    """A server with a page, not yet started, and the page's port."""
    server = make_shipped(workers=1)
    return server, _with_page(server)


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> tuple[Server, int]:
    server = make_lasting(shipped([upstream], workers=1))
    port = _with_page(server)
    return server.start(), port


@pytest.fixture
def served(lasting: tuple[Server, int]) -> Iterator[tuple[Server, int]]:
    """A server that serves a page, and the page's port."""
    server, port = lasting
    with restored(server):
        wait_for(lambda: _listens(port), "the page is served")
        yield server, port


def _listens(port: int) -> bool:
    with socket.socket() as end:
        return end.connect_ex((PAGE, port)) == 0


def _sinkholed(server: Server) -> bool:
    reply = ask(server.port, NAME, client=ADMINISTRATION)
    return reply is not None and str(reply.rr[0].rdata) == PAGE


def test_who_is_led_to_the_page_is_told_why(served: tuple[Server, int]) -> None:
    server, port = served
    assert _sinkholed(server)
    english = get(port, Accept_Language="en-GB,en;q=0.9")
    assert english.status == 451
    assert "Telegram is blocked on this network" in english.body
    assert "noc@agency.example" in english.body
    persian = get(port)
    assert "دسترسی به تلگرام از این شبکه مسدود است" in persian.body
    assert "Telegram is blocked on this network" in get(port, path="/?lang=en").body


def test_every_method_path_and_name_below_is_answered(served: tuple[Server, int]) -> None:
    _, port = served
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"):
        assert get(port, method=method, path="/%00/../a?b=%ff&lang=<b>").status == 451
    assert get(port, host=f"x.y.{NAME}:80").status == 451
    head = get(port, method="HEAD")
    assert (head.status, head.body) == (451, "")
    assert int(head.headers["Content-Length"]) > 1000


def test_nothing_is_left_in_the_browser(served: tuple[Server, int]) -> None:
    _, port = served
    told = get(port, Cookie="session=1")
    assert "Set-Cookie" not in told.headers
    assert told.headers["Cache-Control"] == "no-store"
    assert told.headers["X-Content-Type-Options"] == "nosniff"
    assert told.headers["Referrer-Policy"] == "no-referrer"
    assert "Location" not in told.headers
    policy = get(port).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in policy


def test_who_has_no_reason_to_be_there_is_told_so(served: tuple[Server, int]) -> None:
    _, port = served
    assert get(port, client=PUBLICITY).status == 421
    assert get(port, client=STRANGER).status == 200
    assert get(port, host="www.agency.example").status == 421
    assert get(port, host=f"{PAGE}:{port}").status == 200


def test_after_a_reload_it_tells_by_the_new_policy(served: tuple[Server, int]) -> None:
    server, port = served
    text = server.config.read_text(encoding="utf-8")
    text = text.replace("noc@agency.example", "it-desk@agency.example")
    server.config.write_text(text, encoding="utf-8")
    assert "noc@agency.example" in get(port).body
    assert reload(server).code == GOOD
    told = get(port)
    assert "it-desk@agency.example" in told.body
    assert "noc@agency.example" not in told.body


def test_an_exemption_ends_without_a_reload(served: tuple[Server, int]) -> None:
    server, port = served
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=8)
    text = server.config.read_text(encoding="utf-8")
    exemption = EXEMPTION.replace("2199-03-20T23:59:59+03:30", until.isoformat())
    exemption = exemption.replace("127.0.10.7", ADMINISTRATION)
    server.config.write_text(text + exemption, encoding="utf-8")
    assert reload(server).code == GOOD
    assert get(port, client=ADMINISTRATION).status == 421
    wait_for(lambda: get(port, client=ADMINISTRATION).status == 451, "the exemption has ended")


def test_a_process_that_dies_is_replaced_on_the_same_sockets(served: tuple[Server, int]) -> None:
    server, port = served
    [before] = wait_for(lambda: server.children(PROCESS), "the process is started")
    os.kill(before, signal.SIGKILL)
    assert get(port).status == 451, "asked while it starts: the socket is open all the time"
    [after] = server.children(PROCESS)
    assert after != before
    assert "the block page's process" in server.err
    wait_for(lambda: server.scrape().value(UP) == 1, "it is served again")


def test_it_takes_at_most_36_megabytes(
    made: tuple[Server, int], figure: Callable[[str], None]
) -> None:
    server, port = made
    vlans = "".join(_VLAN.format(number=number) for number in range(300))
    server.config.write_text(server.config.read_text(encoding="utf-8") + vlans, encoding="utf-8")
    server.start()
    wait_for(lambda: _listens(port), "the page is served")
    for client in range(1, 250):
        told = get(port, client=f"127.0.10.{client}", Accept_Language=["fa", "en"][client % 2])
        assert told.status == 451
    octets = server.scrape().value("darban_resident_memory_bytes", process="block_page")
    assert 0 < octets <= 36_000_000
    figure(f"block page: {octets / 1e6:.1f} MB after 249 requests with 303 VLANs")


_VLAN = """
[vlans.v{number}]
prefixes = ["fd00:40:{number}::/64"]
policy = "administrative"
"""


@pytest.mark.parametrize("what", ["the port", "the address"])
def test_a_page_that_cannot_be_served_leaves_dns_alone(made: tuple[Server, int], what: str) -> None:
    server, port = made
    server.expect_error("block page cannot be served")
    if what == "the address":
        text = server.config.read_text(encoding="utf-8")
        text = text.replace(f"{PAGE}:{port}", f"192.0.2.1:{port}")
        server.config.write_text(text, encoding="utf-8")
    with socket.create_server((PAGE, port)):
        server.start()
        wait_for(lambda: "the block page cannot be served there" in server.err, "it says so")
        assert "[block_page] listen" in server.err
        assert _sinkholed(server)
        scrape = server.scrape()
        assert scrape.value("darban_workers") > 0
        assert scrape.values[UP, ()] == 0


def test_without_the_key_there_is_no_page(quiet: Server) -> None:
    assert "block page" not in quiet.err + quiet.out
    assert (UP, ()) not in quiet.scrape().values
