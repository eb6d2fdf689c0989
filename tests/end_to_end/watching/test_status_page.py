"""Both pages in a real browser: read, used by keyboard, checked for accessibility, pictured."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from resolver.audit.figures.counts import HourFigures, Labels
from resolver.audit.figures.store import FigureStore
from resolver.web.rendering import messages
from tests.audit.figures.synthetic import HOUR
from tests.live.accessibility import axe, faults
from tests.live.chromium import Browser, Page, chromium
from tests.live.clients import ask as ask_once
from tests.live.configs import BLOCKLISTS, shipped
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

PAGE = "127.0.0.54"
NAME = "telegram.me"
ADMINISTRATION, FINANCE, PUBLICITY, STRANGER = (
    "127.0.10.5",
    "127.0.30.5",
    "127.0.20.5",
    "127.0.99.5",
)

_MORE = """
[hours.office]
days = ["sat", "sun", "mon", "tue", "wed"]
from = "07:30"
to = "14:30"
time_zone = "Asia/Tehran"
holidays = ["1405-12-29", "1406-01-01"]
[policies.trial]
block = ["@messenger", "@encrypted-dns"]
during = [{{ hours = "office", block = ["@social-network"] }}]
mode = "audit"
[policies.servers]
default = "block"
allow = ["@updates", "agency.example"]
[vlans.finance]
id = 30
prefixes = ["127.0.30.0/24", "10.30.0.0/16", "fd00:30::/64"]
policy = "trial"
[vlans.servers]
id = 40
prefixes = ["127.0.40.0/24", "10.40.0.0/16", "fd00:40::/64"]
policy = "servers"
[[exemptions]]
id = "pr-2031"
prefixes = ["10.10.3.9/32", "fd00:10::37/128"]
services = ["telegram"]
until = 2099-03-20T23:59:59+03:30
approver = "مدیر روابط عمومی"
ticket = "PR-2031"
[block_page]
listen = ["{page}:{port}"]
name = "سازمان نمونه"
logo = "logo.svg"
"""
_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
    '<circle cx="12" cy="12" r="11" fill="#0b5d57"/><path d="m12 4 6 8-6 8-6-8z" fill="#fff"/>'
    "</svg>"
)
"""Of no size of its own, as programs that draw write it."""
_THIS_HOST = """[vlans.this-host]
prefixes = ["127.0.0.1/32", "::1/128"]
policy = "publicity"
"""
"""Left out: the browser comes from 127.0.0.1, and is to be of administration."""
_SHARES = {
    "t.me": 40,
    "web.whatsapp.com": 21,
    "www.viber.com": 13,
    "dns.google": 9,
    "discord.com": 7,
    "line.me": 4,
    "mask.icloud.com": 3,
    "signal.org": 2,
    "www.agency.example": 30,
}
"""How often each name is asked for in a round."""
_ROUNDS = 8

VIEWS = [
    pytest.param((390, 844), False, "fa", id="phone-light-fa"),
    pytest.param((390, 844), True, "en", id="phone-dark-en"),
    pytest.param((1440, 1180), False, "en", id="wide-light-en"),
    pytest.param((1440, 1180), True, "fa", id="wide-dark-fa"),
]


class Watched:
    """A server with both pages, and where they are."""

    def __init__(self, server: Server, block_port: int) -> None:
        self.server = server
        self.block_page = f"http://{NAME}:{block_port}/"
        self.status = f"http://127.0.0.1:{server.metrics_port}/"

    def count(self, **labels: str) -> int:
        return int(self.server.scrape().total("darban_queries_total", **labels))


@pytest.fixture(scope="module")
def watched(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    block = free_port()
    text = shipped([upstream])
    led = f'mode = "enforce"\nsinkhole = ["{PAGE}", "::"]'
    text = text.replace('mode = "enforce"', led, 1).replace(_THIS_HOST, "")
    text = text.replace('"127.0.10.0/24"', '"127.0.10.0/24", "127.0.0.1/32"', 1)
    text = text.replace("[server]\n", '[server]\nidentity = "ns1.agency.example"\n', 1)
    text += _MORE.format(page=PAGE, port=block)
    text = text.replace(str(BLOCKLISTS), BLOCKLISTS.name)
    with servers(tmp_path_factory.mktemp("watched")) as make:
        server = make(text)
        (server.directory / BLOCKLISTS.name).symlink_to(BLOCKLISTS)
        (server.directory / "logo.svg").write_text(_LOGO, encoding="utf-8")
        server.environment = {"TZ": "Asia/Tehran"}
        _store_some_days(server.state / "figures")
        server.start().scrape()
        yield Watched(server, block)
        assert server.stop().code == 0
        server.check_log()


def _store_some_days(directory: Path) -> None:
    """Store figures of the last four weeks, as a server does that has run so long."""
    store = FigureStore(directory, "ns1.agency.example")
    now = time.time() // HOUR * HOUR - HOUR // 2
    for ago in (*range(1, 24), *range(24, 28 * 24, 18)):
        of_hour = HourFigures(int(now - ago * HOUR))
        for place, service in enumerate(("telegram", "whatsapp", "discord")):
            of_hour.counts[Labels("administration", service, "blocked")] = 900 // (1 + ago % 7)
            of_hour.counts[Labels("finance", service, "would_block")] = 40 + place
        store.add(of_hour, "Asia/Tehran")


@pytest.fixture(scope="module")
def browser(
    chromium_program: Path,
    persian_font: None,  # noqa: ARG001 - the pictures need it
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("chromium") / "profile"
    with chromium(chromium_program, profile, (), f"--host-resolver-rules=MAP {NAME} {PAGE}") as it:
        yield it


@pytest.fixture(scope="module")
def axe_script() -> str:
    return axe()


@pytest.fixture(scope="module")
def dnsperf(
    watched: Watched,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., list[str | Path]]:
    """dnsperf's command line for a client."""
    program = needed("dnsperf")
    questions = tmp_path_factory.mktemp("dnsperf") / "questions"
    lines = [f"{name} A\n" * share for name, share in _SHARES.items()]
    questions.write_text("".join(lines), encoding="ascii")

    def command(client: str, *options: str) -> list[str | Path]:
        where = ["-s", "127.0.0.1", "-p", str(watched.server.port), "-a", client]
        return [program, *where, "-d", questions, *options]

    return command


@pytest.fixture(scope="module")
def ask_some(watched: Watched, dnsperf: Callable[..., list[str | Path]]) -> Callable[[], int]:
    """Has dnsperf ask a round from each VLAN; how many were asked of administration."""

    def ask() -> int:
        ask_once(watched.server.port, NAME, client=STRANGER)
        for client, rounds in ((ADMINISTRATION, _ROUNDS), (FINANCE, 3), (PUBLICITY, 4)):
            command = dnsperf(client, "-n", str(rounds), "-q", "20")
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
            assert "Queries lost:         0 " in done.stdout, done.stdout
        return _ROUNDS * sum(_SHARES.values())

    return ask


@pytest.fixture(scope="module")
def keep_asking(
    dnsperf: Callable[..., list[str | Path]],
) -> Callable[[], AbstractContextManager[subprocess.Popen[bytes]]]:
    """Has dnsperf ask all the while, a few hundred times a second."""

    @contextmanager
    def asking() -> Iterator[subprocess.Popen[bytes]]:
        command = dnsperf(ADMINISTRATION, "-l", "60", "-Q", "400", "-q", "20")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)

    return asking


def _above(number: int, other: int) -> int:
    return number if number > other else 0


def _number(page: Page, figure: str) -> int:
    shown: str = page.evaluate(f"document.querySelector('.{figure} .number').innerText")
    return int(shown.replace(",", ""))


def _table(page: Page) -> dict[str, int]:
    """The counts of the first VLAN by service."""
    rows = page.evaluate(
        "[...document.querySelector('#blocks table').tBodies[0].rows]"
        ".map(row => [row.cells[0].innerText, row.cells[1].innerText])"
    )
    return {service: int(number.replace(",", "")) for service, number in rows}


def test_numbers_move_and_match_the_metrics(
    watched: Watched,
    browser: Browser,
    ask_some: Callable[[], int],
    keep_asking: Callable[[], AbstractContextManager[subprocess.Popen[bytes]]],
) -> None:
    asked = ask_some()
    page = browser.open(watched.status)
    before = _number(page, "queries")
    assert before == watched.count() > asked
    with keep_asking() as dnsperf:
        moved = wait_for(lambda: _above(_number(page, "queries"), before), "the numbers move")
        wait_for(lambda: _number(page, "queries") > moved, "the numbers move again")
        assert dnsperf.poll() is None, "it asks all the while"
    wait_for(lambda: _number(page, "queries") == watched.count(), "all is counted")
    assert _number(page, "blocked") == watched.count(outcome="blocked")
    services = _table(page)
    assert services.keys() >= {"telegram", "whatsapp", "encrypted-dns"}
    for service, number in services.items():
        labels = {"vlan": "administration", "outcome": "blocked", "service": service}
        assert number == watched.count(**labels), service
    page.close()


def test_what_somebody_has_opened_stays_open(watched: Watched, browser: Browser) -> None:
    page = browser.open(watched.status)
    shown = "document.querySelector('#idle li').checkVisibility()"
    assert not page.evaluate(shown)
    page.evaluate("document.querySelector('#idle summary').click()")
    blocks = page.evaluate("document.getElementById('live-blocks').innerHTML")
    ask_once(watched.server.port, NAME, client=ADMINISTRATION)
    page.evaluate("refresh()")
    assert page.evaluate("document.getElementById('live-blocks').innerHTML") != blocks
    assert page.evaluate(shown)
    page.close()


_PLOTS = """[...document.querySelectorAll('#history tbody tr')].map(row => [
    row.closest('table').caption.innerText,
    row.cells[0].innerText,
    ...[...row.querySelectorAll('path')].map(bars => bars.getBBox().width)])"""
"""Of each row, the VLAN, the service, and the widths of its plots; a minute later, what other tests
asked has rows, too."""


def test_the_last_day_week_and_month_are_drawn(watched: Watched, browser: Browser) -> None:
    page = browser.open(watched.status)
    widths = {tuple(row[:2]): row[2:] for row in page.evaluate(_PLOTS)}
    for service in ("telegram", "whatsapp", "discord"):
        for row in (("administration", service), ("finance", f"{service} would be blocked")):
            assert len(widths[row]) == 3
            assert min(widths[row]) > 10
    page.close()


def test_without_scripts_it_is_whole(watched: Watched, browser: Browser) -> None:
    page = browser.open(watched.status, script=False)
    assert _number(page, "queries") == watched.count()
    assert page.evaluate("document.getElementById('pause').hidden")
    page.close()


def test_a_pause_stops_it(watched: Watched, browser: Browser) -> None:
    page = browser.open(watched.status)
    before = _number(page, "queries")
    ask_once(watched.server.port, NAME, client=ADMINISTRATION)
    page.press("Tab")
    page.press("Enter")
    assert page.evaluate("document.getElementById('pause').innerText") == "Resume"
    page.evaluate("refresh()")
    assert _number(page, "queries") == before
    page.press("Enter")
    assert page.evaluate("document.getElementById('pause').innerText") == "Pause"
    page.evaluate("refresh()")
    assert _number(page, "queries") == before + 1
    page.close()


def test_nothing_comes_from_elsewhere(watched: Watched, browser: Browser) -> None:
    page = browser.open(watched.status)
    fetched = page.evaluate("performance.getEntriesByType('resource').map(each => each.name)")
    assert fetched == [f"{watched.status}status_page.js"]
    assert page.evaluate("document.querySelectorAll('img, script:not([src])').length") == 0
    page.close()


@pytest.mark.parametrize(("size", "dark", "language"), VIEWS)
def test_the_status_page_s_looks(
    watched: Watched,
    browser: Browser,
    ask_some: Callable[[], int],
    axe_script: str,
    save: Callable[[str, bytes], None],
    request: pytest.FixtureRequest,
    size: tuple[int, int],
    language: str,
    *,
    dark: bool,
) -> None:
    if not watched.count(outcome="would_block"):
        ask_some()
    page = browser.open(watched.status, size=size, dark=dark, language=language)
    _check_looks(page, axe_script, language)
    if "PICTURES" in os.environ:  # else the clock of this host may be a fault
        assert messages(language)["status_page"]["unhealthy"] not in page.text
    save(f"status-{request.node.callspec.id}", page.picture())
    page.close()


@pytest.mark.parametrize(("size", "dark", "language"), VIEWS)
def test_the_block_page_s_looks(
    watched: Watched,
    browser: Browser,
    axe_script: str,
    save: Callable[[str, bytes], None],
    request: pytest.FixtureRequest,
    size: tuple[int, int],
    language: str,
    *,
    dark: bool,
) -> None:
    page = browser.open(watched.block_page, size=size, dark=dark, language=language)
    _check_looks(page, axe_script, language)
    assert NAME in page.text
    page.show_all()
    save(f"block-page-{request.node.callspec.id}", page.picture())
    page.close()


def test_the_block_page_has_the_logo_in_it_and_loads_nothing(
    watched: Watched, browser: Browser
) -> None:
    page = browser.open(watched.block_page)
    assert page.evaluate("document.querySelector('img.logo').naturalWidth") > 0
    assert page.evaluate("document.querySelector('img.logo').clientWidth") == 56
    assert page.evaluate("document.querySelector('.agency p').clientHeight") < 40  # one line
    loaded = page.evaluate("performance.getEntriesByType('resource').map(each => each.name)")
    assert [item for item in loaded if not item.startswith("data:")] == []
    page.close()


def test_a_logo_without_a_size_leaves_the_name_its_line(watched: Watched, browser: Browser) -> None:
    """An SVG may have a view box alone."""
    page = browser.open(watched.block_page, language="fa")
    name = "document.querySelector('.agency p').getBoundingClientRect().height"
    before = page.evaluate(name)
    scalable = _LOGO.replace(' width="48" height="48"', "").replace("#", "%23")
    image = "document.querySelector('img.logo')"
    page.evaluate(f"{image}.src = 'data:image/svg+xml,{scalable}'; {image}.decode()")
    assert page.evaluate(name) == before
    page.close()


def test_the_contact_begins_a_letter(watched: Watched, browser: Browser) -> None:
    """Without a script: the link has the service, the name, the VLAN and the time."""
    page = browser.open(watched.block_page, language="fa", script=False)
    link = "new URL(document.querySelector('.whom a').href)"
    assert page.evaluate(f"{link}.protocol") == "mailto:"
    subject, body = page.evaluate(f"['subject', 'body'].map(each => {link}.searchParams.get(each))")
    assert subject == "درخواست معافیت: تلگرام"
    values = [line.partition(": ")[2] for line in body.split("\r\n")[:5]]
    assert values[:2] == ["تلگرام", NAME]
    assert [value for value in values if value not in page.text] == []
    page.close()


def test_what_is_hard_to_read_would_be_found(
    watched: Watched, browser: Browser, axe_script: str
) -> None:
    page = browser.open(watched.status)
    page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    assert any("color-contrast" in fault for fault in faults(page, axe_script))
    page.close()


def _check_looks(page: Page, axe_script: str, language: str) -> None:
    assert page.error == ""
    assert page.evaluate("document.documentElement.lang") == language
    assert not page.is_wider_than_its_window()
    assert faults(page, axe_script) == []
