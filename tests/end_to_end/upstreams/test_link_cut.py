"""The link abroad is cut and comes back: the fallback servers are asked in between, and only then.

Unbound on the box resolves from the root, without a copy of the root zone. The fallback is a
resolver at home.
"""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live import box as boxes
from tests.live.box import PORT, RECURSING, Box
from tests.live.clients import Answer
from tests.live.commands import GOOD, NO, darban
from tests.live.configs import edited, small
from tests.live.internet import FOREIGN, RESOLVER, SIGNED, UNSIGNED
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

_PROBES = f"""
fallback = ["{RESOLVER}"]
trust_ad = true
probe_signed = "www.{SIGNED}"
probe_abroad = "com"
probe_home = "ir"
"""


@pytest.fixture
def box(ip_program: Path, dig_program: Path, tmp_path: Path) -> Iterator[Box]:
    with boxes.box(ip_program, dig_program, tmp_path) as made:
        yield made


@pytest.fixture
def server(box: Box, tmp_path: Path) -> Iterator[Server]:
    """Darban before Unbound, both on the box; it knows that Unbound validates."""
    with ExitStack() as stack:
        stack.enter_context(box.unbound(RECURSING, copy=False))
        make = stack.enter_context(servers(tmp_path))
        server = make(small([f"127.0.0.1:{PORT}"], upstream=_PROBES))
        server.through = box.net.on_box()
        server.start()
        wait_for(lambda: server.scrape().value("darban_config_ok") == 1, "it serves")
        yield server
        server.check_log()


class Names:
    """Names that nobody has asked for."""

    def __init__(self) -> None:
        self._number = itertools.count()

    def below(self, zone: str) -> str:
        return f"n{next(self._number)}.{zone}"


def asked_by_clients(box: Box) -> set[str]:
    """The names that the fallback server was asked for, but for those of probes."""
    return {name for name in box.asked_at_home() if name.startswith("n")}


def test_domestic_names_are_found_in_a_cut_and_validated_after_it(box: Box, server: Server) -> None:
    new, port = Names(), server.port
    for zone in (SIGNED, UNSIGNED, FOREIGN):
        assert box.answers(new.below(zone), port)
    assert asked_by_clients(box) == set()

    box.net.cut()
    box.forget()
    wait_for(lambda: _cut_since(server), "the cut is noticed", 40)
    while not (found := _answer(box, new.below(SIGNED), port)):
        box.answers(new.below(UNSIGNED), port)
        box.answers(new.below("ir"), port)
    assert "ad" not in found.flags
    assert int(found.answer[0].split()[1]) <= 30
    assert box.answers(new.below(UNSIGNED), port)
    assert not box.answers(new.below(FOREIGN), port)
    assert len(asked_by_clients(box)) >= 2
    assert server.scrape().value("darban_fallback_answers_total") >= 2
    told = darban("status", at=server.directory)
    assert "names abroad get no answer since" in told.out

    box.net.mend()
    wait_for(lambda: "ad" in box.ask(new.below(SIGNED), port).flags, "it is validated again", 30)
    wait_for(lambda: box.answers(new.below(FOREIGN), port), "names abroad are found again", 30)
    wait_for(lambda: not _cut_since(server), "the end of the cut is noticed", 30)
    asked = asked_by_clients(box)
    for _ in range(10):
        assert box.answers(new.below(SIGNED), port)
        assert box.answers(new.below(FOREIGN), port)
    assert asked_by_clients(box) == asked


def test_on_a_day_of_slow_and_lossy_names_abroad_no_question_goes_to_the_fallback(
    box: Box, server: Server
) -> None:
    new, zones = Names(), (FOREIGN, FOREIGN, FOREIGN, SIGNED)
    box.net.lose(40)
    box.forget()
    with ThreadPoolExecutor(8) as clients:
        asked = [new.below(zone) for _ in range(40) for zone in zones]
        found = list(clients.map(lambda name: box.answers(name, server.port), asked))
    assert sum(found) > len(found) // 2
    assert asked_by_clients(box) == set()


def test_who_silences_names_at_home_alone_leads_no_question_to_the_fallback(
    box: Box, server: Server
) -> None:
    new = Names()
    assert box.answers(new.below(FOREIGN), server.port)
    box.net.silence_home()
    with ThreadPoolExecutor(8) as clients:
        asked = [new.below(zone) for _ in range(8) for zone in (SIGNED, UNSIGNED, "ir")]
        found = list(clients.map(lambda name: box.answers(name, server.port), asked))
    assert not any(found)
    assert asked_by_clients(box) == set()


def test_a_restart_and_a_reload_work_in_a_cut(box: Box, server: Server) -> None:
    box.net.cut()
    box.forget()
    edited(server.config, 'deny = ["web.telegram.org"]', 'deny = ["web.telegram.org", "denied.ir"]')
    assert darban("reload", at=server.directory).code == GOOD
    assert server.stop().code == 0
    server.start()
    assert darban("explain", "administration", "denied.ir", at=server.directory).code == NO
    wait_for(lambda: _cut_since(server), "the cut is noticed", 40)


def _cut_since(server: Server) -> float:
    return server.scrape().value("darban_link_cut_timestamp_seconds")


def _answer(box: Box, name: str, port: int) -> Answer | None:
    """The answer with records for a name, if there is one in time."""
    try:
        found = box.ask(name, port)
    except AssertionError:  # dig had no answer
        return None
    return found if found.answer else None
