"""The dashboards' layout in a real browser, with what a real Prometheus gives for each panel."""

import datetime as dt
import itertools
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.live.chromium import Browser, Page, chromium
from tests.live.configs import shipped
from tests.live.drawn_board import WIDTH, drawn_board
from tests.live.drawn_panels import Series
from tests.live.programs import needed
from tests.live.prometheus import Prometheus, prometheus
from tests.live.server import servers
from tests.live.waiting import wait_for
from tests.live.watched_load import Asked, Question, ask_all
from tests.watching.expressions import boards, panels

ADMINISTRATION, PR, FINANCE, PUBLICITY, NOBODY = (
    *("127.0.10.5", "127.0.10.7", "127.0.30.5", "127.0.20.5", "127.0.99.5"),
)
_SECONDS = 20
_PER_SECOND = 120
_RATE = 4
"""Seconds over which a rate is taken."""
_STEP = 0.25
_MORE = """
[policies.trial]
block = ["@messenger", "@encrypted-dns"]
mode = "audit"
[vlans.finance]
id = 30
prefixes = ["127.0.30.0/24"]
policy = "trial"
[[exemptions]]
id = "pr-2031"
prefixes = ["127.0.10.7/32"]
services = ["telegram"]
until = {soon}
approver = "Head of PR"
ticket = "PR-2031"
[[exemptions]]
id = "archive"
vlan = "administration"
services = ["zello"]
until = {later}
approver = "Head of PR"
ticket = "PR-2044"
"""


def _kinds(at: float) -> dict[Question, float]:
    """Questions with how often each is asked at a moment between 0 and 1: a busy time, by far."""
    busy = 0.3 + math.sin(at * math.pi)
    late = max(0.0, at - 0.4)

    def blocked(name: str, service: str, kind: str = "", rcode: str = "NOERROR") -> Question:
        return Question(
            ADMINISTRATION, "administration", name, "A", "blocked", service, rcode, kind=kind
        )

    canary = "use-application-dns.net"
    return {
        blocked("web.telegram.org", "telegram"): 9 * busy,
        blocked("web.whatsapp.com", "whatsapp"): 6 * busy * (0.6 + late),
        blocked("www.viber.com", "viber"): 3 * busy,
        blocked("line.me", "line"): 1 + 2 * late,
        blocked("signal.org", "signal"): 1.5 * busy,
        blocked("dns.google", "encrypted-dns", "provider"): 1 + 5 * late,
        blocked(canary, "encrypted-dns-canaries", "canary", "NXDOMAIN"): 1.0,
        Question(PR, "administration", "web.telegram.org", "A", "exempted", "telegram"): 2 * busy,
        Question(FINANCE, "finance", "t.me", "A", "would_block", "telegram"): 3 * busy,
        Question(FINANCE, "finance", "web.whatsapp.com", "AAAA", "would_block", "whatsapp"): 2.0,
        Question(NOBODY, "unknown", "www.agency.example", "A", "refused", "", "REFUSED"): 6 * late,
    }


def _questions(rng: random.Random) -> Iterator[Question]:
    """A day's questions in a few seconds: no faster than that."""
    began = time.monotonic()
    for number in range(_SECONDS * _PER_SECOND):
        time.sleep(max(0.0, began + number / _PER_SECOND - time.monotonic()))
        kinds = _kinds(number / (_SECONDS * _PER_SECOND))
        weights = [*kinds.values(), 30.0]
        [chosen] = rng.choices([*kinds, _passing(rng)], weights)
        yield chosen


def _passing(rng: random.Random) -> Question:
    client, vlan = rng.choice(
        ((ADMINISTRATION, "administration"), (PUBLICITY, "publicity"), (FINANCE, "finance"))
    )
    name, rtype = f"site-{int(rng.paretovariate(0.4)) % 3000}.example", rng.choice(("A", "AAAA"))
    return Question(client, vlan, name, rtype, "passed")


@dataclass(frozen=True)
class Watched:
    """A Prometheus that has watched a server, what that was asked, and from when until when."""

    prometheus: Prometheus
    asked: Asked
    scraped: float
    """Since when, before all that was asked."""
    begin: float
    end: float

    def ask(self, expression: str, over_time: bool) -> Sequence[Series]:
        """What an expression gives, with a dashboard's variables as they are at first."""
        text = expression
        for name, value in (
            ("$__rate_interval", f"{_RATE}s"),
            ("$__range", f"{self.end - self.scraped + 2:.0f}s"),
            ("$instance", ".*"),
            ("$vlan", ".*"),
            ("$service", ".*"),
        ):
            text = text.replace(name, value)
        if over_time:
            when = {"start": f"{self.begin:.3f}", "end": f"{self.end:.3f}", "step": str(_STEP)}
            found = self.prometheus.get("query_range", query=text, **when)["result"]
            series = [
                Series(each["metric"], [(at, float(v)) for at, v in each["values"] if v != "NaN"])
                for each in found
            ]
            return [each for each in series if each.points]
        return [
            Series(dict(labels), [(self.end, value)])
            for labels, value in self.prometheus.vector(text, self.end).items()
        ]


@pytest.fixture(scope="module")
def watched(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    program = needed("prometheus")
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    ends = {"soon": now + dt.timedelta(days=2, hours=7), "later": now + dt.timedelta(days=40)}
    text = shipped([upstream])
    text += _MORE.format(**{name: end.isoformat() for name, end in ends.items()})
    with servers(tmp_path_factory.mktemp("watched")) as make:
        server = make(text)
        server.start().scrape()
        scraped = time.time()
        with prometheus(
            program, tmp_path_factory.mktemp("prometheus"), server.metrics_port
        ) as served:
            begin = time.time()
            asked = ask_all(server.port, _questions(random.Random(2)))

            def complete() -> float | None:
                if served.value("sum(darban_queries_total)") != asked.total():
                    return None
                return served.value("timestamp(darban_build_info)")

            end = wait_for(complete, "all has been scraped")
            yield Watched(served, asked, scraped, begin, end)
        server.check_log()


@pytest.fixture(scope="module")
def browser(chromium_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(chromium_program, tmp_path_factory.mktemp("chromium") / "profile") as it:
        yield it


@pytest.fixture
def shown(watched: Watched, browser: Browser, tmp_path: Path) -> Callable[[str], Page]:
    """Shows a dashboard as a page."""

    def show(board: str) -> Page:
        file = tmp_path / f"{board}.html"
        text = drawn_board(boards()[board], watched.ask, watched.begin, watched.end)
        file.write_text(text, encoding="utf-8")
        return browser.open(file.as_uri(), size=(WIDTH, 900))

    return show


@pytest.mark.parametrize("board", sorted(boards()))
def test_a_dashboard_s_layout(
    board: str, shown: Callable[[str], Page], save: Callable[[str, bytes], None]
) -> None:
    page = shown(board)
    assert not page.is_wider_than_its_window()
    page.show_all()
    places = page.evaluate(
        "[...document.querySelectorAll('section')].map(each => [each.querySelector('h3').innerText,"
        " ...Object.values(each.getBoundingClientRect().toJSON()).slice(0, 4)])"
    )
    assert [title for title, *_ in places] == [panel["title"] for panel in panels(board)]
    overlapping = [
        (one[0], other[0]) for one, other in itertools.combinations(places, 2) if _meet(one, other)
    ]
    assert overlapping == []
    save(f"dashboard-{board}", page.picture())
    page.close()


def _meet(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two panels, each with its title, place and size, lie over each other."""
    return all(
        one[1 + way] < other[1 + way] + other[3 + way]
        and other[1 + way] < one[1 + way] + one[3 + way]
        for way in (0, 1)
    )


def test_a_dashboard_tells_what_was_asked(watched: Watched, shown: Callable[[str], Page]) -> None:
    assert watched.asked.wrong == []
    page = shown("policy")
    told = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('section')]"
        ".map(each => [each.querySelector('h3').innerText, each.innerText]))"
    )
    for title, outcome in (
        ("Blocked", "blocked"),
        ("Would be blocked", "would_block"),
        ("Exempted", "exempted"),
        ("Unknown clients refused", "refused"),
    ):
        number = watched.asked.total(lambda question, outcome=outcome: question.outcome == outcome)
        assert told[title].split() == [*title.split(), f"{number:,}"]
    services = watched.asked.by("service", which=lambda question: question.outcome == "blocked")
    for ((_, service),), number in services.items():
        assert f"{service}\t{number:,}" in told["Top services"].replace("\t\n\t", "\t")
    page.close()
