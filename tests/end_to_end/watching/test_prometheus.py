"""Every panel, rule and alert, evaluated by a real Prometheus over a real server.

A client asks what it knows the fate of, and counts. Prometheus scrapes meanwhile. Then each
expression is evaluated at the moment of a scrape that has it all: its numbers must be those
that follow from the client's own counts. ``expected_values`` says which, for every expression.

What makes ``rate`` and ``increase`` exact here: their window reaches back beyond the start,
where every series was 0, and ends at a scrape, so that there is nothing to extrapolate.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator

import pytest

from tests.live.configs import BLOCKLISTS
from tests.live.expected_values import EMPTY, Watched, expected_values, faults
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.prometheus import Prometheus, prometheus
from tests.live.server import servers
from tests.live.waiting import wait_for
from tests.live.watched_load import Question, ask_all
from tests.watching.expressions import (
    of_panels,
    of_rules,
    of_variables,
    rules,
)

pytestmark = pytest.mark.real_clock

_SETTLED = 1.0
"""Seconds after which workers have told their cache's figures, and rules are evaluated."""
_LAST = "timestamp(darban_build_info)"
ADMINISTRATION, PR, AUDITED, PUBLICITY, NOBODY = (
    *("127.0.10.5", "127.0.10.7", "127.0.30.5", "127.0.20.5", "127.0.99.5"),
)

_CONFIG = """
[server]
listen = ["127.0.0.1:{port}"]
workers = 2
[upstream]
servers = ["{upstream}"]
probe_abroad = "abroad.scene"
[[forward]]
zones = ["dead.test"]
servers = ["{dead}"]
[lists]
directories = ["{lists}"]
[metrics]
listen = "127.0.0.1:{metrics}"
[policies.administrative]
block = ["@messenger", "@encrypted-dns"]
deny = ["denied.example"]
[policies.auditing]
block = ["@messenger"]
mode = "audit"
[policies.publicity]
[vlans.administration]
id = 10
prefixes = ["127.0.10.0/24"]
policy = "administrative"
[vlans.audited]
id = 30
prefixes = ["127.0.30.0/24"]
policy = "auditing"
[vlans.publicity]
id = 20
prefixes = ["127.0.20.0/24"]
policy = "publicity"
[[exemptions]]
id = "soon"
prefixes = ["127.0.10.7/32"]
services = ["telegram"]
until = {soon}
approver = "Head of PR"
ticket = "PR-1"
[[exemptions]]
id = "later"
vlan = "administration"
services = ["zello"]
until = {later}
approver = "Head of PR"
ticket = "PR-2"
"""


def _questions() -> Iterator[Question]:
    """What is asked; the first of equal questions misses the cache, the second finds it."""
    for number in range(5):
        yield _blocked("web.telegram.org", "telegram", 20, rtype="A" if number else "AAAA")
    yield _blocked("web.whatsapp.com", "whatsapp", 30)
    yield _blocked("www.viber.com", "viber", 7)
    yield _blocked("denied.example", "", 4)
    yield _blocked("dns.google", "encrypted-dns", 120, kind="provider")
    canary = "use-application-dns.net"
    yield _blocked(canary, "encrypted-dns-canaries", 9, kind="canary", rcode="NXDOMAIN")
    yield Question(PR, "administration", "www.telegram.org", "A", "exempted", "telegram", times=6)
    yield Question(AUDITED, "audited", "web.telegram.org", "A", "would_block", "telegram", times=8)
    yield Question(AUDITED, "audited", "www.viber.com", "AAAA", "would_block", "viber", times=3)
    for number in range(50):
        yield _passed(f"name-{number}.example", "A", times=6)
        yield _passed(f"name-{number}.example", "HTTPS", times=1)
    yield _passed("nothing.ns.scene", "A", times=10, rcode="NXDOMAIN")
    for number in range(20):  # of clients enough that each worker finds out
        name, client = f"name-{number}.dead.test", f"127.0.20.{100 + number}"
        yield Question(client, "publicity", name, "A", "failed", rcode="SERVFAIL")
    yield Question(NOBODY, "unknown", "name-1.example", "A", "refused", rcode="REFUSED", times=40)


def _blocked(name: str, service: str, times: int, **more: str) -> Question:
    more = {"rtype": "A", **more}
    return Question(
        ADMINISTRATION, "administration", name, outcome="blocked", service=service, times=times,
        **more,
    )  # fmt: skip


def _passed(name: str, rtype: str, times: int, rcode: str = "NOERROR") -> Question:
    return Question(PUBLICITY, "publicity", name, rtype, "passed", rcode=rcode, times=times)


@pytest.fixture(scope="module")
def watched(
    upstream: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Watched]:
    program = needed("prometheus")
    port, metrics, dead = free_port(), free_port(), f"127.0.0.1:{free_port()}"
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    ends = {"soon": now + dt.timedelta(days=2), "later": now + dt.timedelta(days=30)}
    text = _CONFIG.format(
        port=port,
        metrics=metrics,
        upstream=upstream,
        dead=dead,
        lists=BLOCKLISTS,
        **{name: end.isoformat() for name, end in ends.items()},
    )
    with servers(tmp_path_factory.mktemp("watched")) as make:
        server = make(text)
        server.start().scrape()
        with prometheus(program, tmp_path_factory.mktemp("prometheus"), metrics) as served:
            asked = ask_all(port, _questions())
            yield Watched(
                server,
                served,
                asked,
                _when_all_was_scraped(served, asked.total(), time.time()),
                {name: end.timestamp() for name, end in ends.items()},
                "main",
                f"127.0.0.1:{metrics}",
                upstream,
                dead,
            )
        server.check_log()


def _when_all_was_scraped(served: Prometheus, asked: int, done: float) -> float:
    """The moment of a scrape after which nothing changes, when the rules have seen it."""

    def complete() -> float | None:
        counted, at = served.value("sum(darban_queries_total)"), served.value(_LAST)
        assert counted is None or counted <= asked
        return at if counted == asked and at is not None and at > done + _SETTLED else None

    at = wait_for(complete, "all that was asked has been scraped")
    wait_for(lambda: (served.value(_LAST) or 0) > at + _SETTLED, "the rules have seen it all")
    return at


def test_what_was_answered_is_what_was_expected(watched: Watched) -> None:
    assert watched.asked.wrong == []


def test_every_expression_gives_the_right_numbers(
    watched: Watched, figure: Callable[[str], None]
) -> None:
    expressions = [*of_panels(), *of_rules()]
    expected = expected_values(watched)
    assert {expression.where for expression in expressions} == set(expected)
    found = [
        f"{expression.where}: {fault}"
        for expression in expressions
        for fault in faults(
            expression, watched.evaluate(expression.text), expected[expression.where]
        )
    ]
    assert not found, "\n".join(found)
    figure(
        f"Prometheus: {len(expressions)} expressions evaluated, {len(expressions) - len(EMPTY)} "
        f"with data, {len(EMPTY)} empty as they should be; {watched.asked.total()} queries"
    )


def test_every_variable_offers_something(watched: Watched) -> None:
    for expression in of_variables():
        series, _, label = expression.text.rpartition(" by ")
        series = series.replace("$instance", ".*")
        offered = watched.prometheus.get(f"label/{label.strip('()')}/values", **{"match[]": series})
        assert offered, expression.where


def test_prometheus_itself_evaluates_every_rule(watched: Watched) -> None:
    groups = watched.prometheus.get("rules")["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    assert len(loaded) == len(rules())
    assert {
        rule["name"]: rule.get("lastError", "") for rule in loaded if rule["health"] != "ok"
    } == {}
    firing = {
        (alert["labels"]["alertname"], alert["state"])
        for alert in watched.prometheus.get("alerts")["alerts"]
    }
    assert ("DarbanUpstreamDown", "pending") in firing
