"""What the README shows: one name, three clients, three fates; and all of it counted."""

import pytest

from tests.live.clients import Answer, Asker
from tests.live.nsd import ANY_V4, ANY_V6
from tests.live.scraping import Scrape
from tests.live.server import Server

pytestmark = pytest.mark.core

ADMINISTRATION = "127.0.10.5"
PUBLICITY = "127.0.20.5"
NOBODY = "127.0.99.5"
NAME = "web.telegram.org"

CENSORED = 16
CITED = "telegram: directive 1595/الف/م (2015-02-18), narrowed by 95/3525 (2017-03-11)"
CONTACT = "noc@agency.example"


def _cites_the_directive(answer: Answer) -> bool:
    return [code for code, _ in answer.errors] == [CENSORED] and all(
        part in answer.errors[0][1] for part in (CITED, CONTACT)
    )


def test_an_administrative_client_gets_the_sinkhole_and_the_ground(either: Asker) -> None:
    answer = either(ADMINISTRATION, NAME, "A", "+edns")
    assert answer.status == "NOERROR"
    assert answer.answer == [f"{NAME}. 60 IN A 0.0.0.0"]
    assert _cites_the_directive(answer)
    assert "ra" in answer.flags
    assert not answer.flags & {"ad", "aa", "tc"}


def test_a_publicity_client_gets_the_upstreams_answer(either: Asker) -> None:
    answer = either(PUBLICITY, NAME, "A", "+edns")
    assert answer.status == "NOERROR"
    assert answer.data == [ANY_V4]
    assert answer.errors == []


def test_a_client_of_no_vlan_is_refused(either: Asker) -> None:
    answer = either(NOBODY, NAME)
    assert answer.status == "REFUSED"
    assert answer.answer == []


def test_the_same_over_tcp(either: Asker) -> None:
    blocked = either(ADMINISTRATION, NAME, "A", "+edns", "+tcp")
    assert blocked.data == ["0.0.0.0"]
    assert _cites_the_directive(blocked)
    assert "(TCP)" in blocked.text
    assert either(PUBLICITY, NAME, "A", "+tcp").data == [ANY_V4]
    assert either(NOBODY, NAME, "A", "+tcp").status == "REFUSED"


@pytest.mark.ipv6
def test_an_ipv6_client_of_this_host_is_asked_for(quiet: Server, dig: Asker) -> None:
    answer = Asker(dig.program, quiet.port, "::1")("::1", NAME, "AAAA")
    assert answer.data == [ANY_V6]


def test_all_is_counted_by_vlan_outcome_and_service(quiet: Server, dig: Asker) -> None:
    before = quiet.scrape()
    for client, times in ((ADMINISTRATION, 3), (PUBLICITY, 2), (NOBODY, 4)):
        for _ in range(times):
            dig(client, NAME)
    dig(ADMINISTRATION, NAME, "A", "+tcp")
    dig(ADMINISTRATION, "agency.example")
    grown = _growth(before, quiet.scrape())
    assert grown("administration", "blocked", "telegram") == 4
    assert grown("administration", "passed", "") == 1
    assert grown("publicity", "passed", "") == 2
    assert grown("unknown", "refused", "") == 4
    assert grown.total() == 11


class _growth:  # noqa: N801 - reads as the function that it is
    def __init__(self, before: Scrape, after: Scrape) -> None:
        self._scrapes = before, after

    def __call__(self, vlan: str, outcome: str, service: str) -> float:
        before, after = (
            scrape.value("darban_queries_total", vlan=vlan, outcome=outcome, service=service)
            for scrape in self._scrapes
        )
        return after - before

    def total(self) -> float:
        before, after = (scrape.total("darban_queries_total") for scrape in self._scrapes)
        return after - before
