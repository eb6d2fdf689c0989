"""From a blocked name to the page that says why, as a person on a VLAN gets there.

The server is in one network namespace, with an address of its own for the block page, and a
client in each of two others: dig asks, then a browser that knows no other name server goes
where the answer leads.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live.chromium import Browser, chromium
from tests.live.clients import read, run
from tests.live.configs import shipped
from tests.live.namespaces import ADMINISTRATION, PUBLICITY, Namespaces, Subnet, namespaces
from tests.live.nsd import ANY_V4, nsd
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

NAME = "telegram.me"
BY_HTTPS_ONLY = "web.telegram.org"
"""Browsers have it built in that this site is never asked for by plain HTTP."""
PAGE_V4, PAGE_V6 = "10.0.0.54", "fd00::54"
VLANS = (ADMINISTRATION, PUBLICITY)

_UPSTREAM = 5353
_METRICS = 9153
_OWN_RESOLVER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
_KNOCK = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    with socket.socket(family, kind) as end:
        end.settimeout(5)
        try:
            end.connect((sys.argv[1], 443))
            end.send(b"hello")
            end.recv(1)
        except ConnectionRefusedError:
            print("refused")
"""


class Office:
    """The server, and what the clients of both VLANs run."""

    def __init__(self, made: Namespaces, directory: Path, clients: dict[str, str]) -> None:
        self._made = made
        self._directory = directory
        self._clients = clients

    def on(self, vlan: Subnet) -> list[str]:
        """The command that runs what follows it at a client, with its VLAN's name server."""
        resolver = self._directory / f"{vlan.vlan}.resolv"
        resolver.write_text(f"nameserver {vlan.server[0]}\n", encoding="ascii")
        into = self._made.into(self._clients[vlan.vlan])
        return [*into, "sh", "-c", _OWN_RESOLVER, str(resolver)]

    def python(self, vlan: Subnet, code: str, argument: str) -> str:
        return run([*self.on(vlan), sys.executable, "-c", code, argument])


@pytest.fixture(scope="module")
def office(
    ip_program: Path, nsd_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    directory = tmp_path_factory.mktemp("office")
    listen = [f"{vlan.server[0]}:53" for vlan in VLANS]
    with namespaces(ip_program) as made, ExitStack() as stack:
        home = made.add("server")
        made.give(home, f"{PAGE_V4}/32")
        made.give(home, f"{PAGE_V6}/128")
        clients = {vlan.vlan: made.add(vlan.vlan) for vlan in VLANS}
        for vlan in VLANS:
            made.join(home, clients[vlan.vlan], vlan)
            made.lead(clients[vlan.vlan], vlan)
        stack.enter_context(nsd(nsd_program, directory, _UPSTREAM, made.into(home)))
        server = stack.enter_context(servers(directory))(_config(listen))
        server.through = made.into(home)
        server.start()
        office = Office(made, directory, clients)
        wait_for(lambda: _is_served(server), "the page is served")
        yield office
        assert server.stop().code == 0
        server.check_log()


def _config(listen: list[str]) -> str:
    text = shipped([f"127.0.0.1:{_UPSTREAM}"], 53, _METRICS, listen)
    led = f'mode = "enforce"\nsinkhole = ["{PAGE_V4}", "{PAGE_V6}"]'
    text = text.replace('mode = "enforce"', led, 1)
    return text + f'\n[block_page]\nlisten = ["{PAGE_V4}:80", "[{PAGE_V6}]:80"]\n'


def _is_served(server: Server) -> bool:
    code = "import socket, sys; socket.create_connection((sys.argv[1], 80), 5)"
    command = [*server.through, sys.executable, "-c", code]
    return all(
        subprocess.run([*command, page], capture_output=True, check=False).returncode == 0
        for page in (PAGE_V4, PAGE_V6)
    )


@pytest.fixture(scope="module")
def browser(
    office: Office, chromium_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("chromium") / "profile"
    with chromium(chromium_program, profile, office.on(ADMINISTRATION)) as started:
        yield started


def test_dig_is_answered_with_the_page_s_address(office: Office, dig_program: Path) -> None:
    def dig(vlan: Subnet, rtype: str) -> list[str]:
        return read(run([*office.on(vlan), dig_program, NAME, rtype, "+tries=1"])).data

    assert dig(ADMINISTRATION, "A") == [PAGE_V4]
    assert dig(ADMINISTRATION, "AAAA") == [PAGE_V6]
    assert dig(PUBLICITY, "A") == [ANY_V4]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Telegram is blocked on this network"),
        ("fa", "دسترسی به تلگرام از این شبکه مسدود است"),
    ],
)
def test_a_browser_is_led_to_the_page(browser: Browser, language: str, words: str) -> None:
    page = browser.open(f"http://{NAME}/some/channel?q=1", language=language)
    assert page.error == ""
    assert words in page.text
    assert "noc@agency.example" in page.text
    assert page.evaluate("location.host") == NAME
    assert page.evaluate("document.cookie") == ""
    page.close()


def test_https_is_refused_at_once(office: Office, browser: Browser) -> None:
    """By the kernel, since nothing listens there: no browser waits, and no name is forged."""
    for page in (PAGE_V4, PAGE_V6):
        assert office.python(ADMINISTRATION, _KNOCK, page).split() == ["refused", "refused"]
    for url in (f"https://{NAME}/", f"http://{BY_HTTPS_ONLY}/"):
        opened = browser.open(url)
        assert opened.error == "net::ERR_CONNECTION_REFUSED"
        opened.close()
