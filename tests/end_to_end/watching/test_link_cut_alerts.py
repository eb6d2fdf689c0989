"""The link abroad is cut and comes back under a real Prometheus: one cause, one alert.

Unbound on the box has a copy of the root zone. An alert's ``for`` is not waited for.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live import box as boxes
from tests.live.box import PORT, RECURSING, Box
from tests.live.configs import small
from tests.live.internet import FOREIGN, SIGNED
from tests.live.namespaces import inside
from tests.live.programs import needed
from tests.live.prometheus import Prometheus, prometheus
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

_PROBES = f"""
trust_ad = true
probe_signed = "www.{SIGNED}"
probe_abroad = "com"
probe_home = "ir"
"""
_ASKED = 40
"""Names abroad: enough for what judges an upstream server by its share of failures."""


@pytest.fixture
def box(ip_program: Path, dig_program: Path, tmp_path: Path) -> Iterator[Box]:
    with boxes.box(ip_program, dig_program, tmp_path) as made:
        yield made


def test_a_cut_is_one_alert_in_the_place_of_those_that_follow(box: Box, tmp_path: Path) -> None:
    program = needed("prometheus")
    with ExitStack() as stack:
        box.copy.write_bytes((box.net.place / "root.zone").read_bytes())
        stack.enter_context(box.unbound(RECURSING))
        stack.enter_context(inside(box.net.box))
        make = stack.enter_context(servers(tmp_path))
        server = make(small([f"127.0.0.1:{PORT}"], upstream=_PROBES)).start()
        served = stack.enter_context(
            prometheus(program, box.place, server.metrics_port, at_once=True)
        )
        assert _answered(box, server, "before") == _ASKED
        wait_for(lambda: _is_judged(served), "the answers are counted")
        assert _firing(served) == set()

        box.net.cut()
        box.forget()
        assert _answered(box, server, "cut") == 0
        wait_for(lambda: _firing(served) == {"DarbanLinkCut"}, "the cut is an alert", 60)
        wait_for(lambda: _fails(served), "the upstream server is found to fail", 30)
        _evaluated(served)
        assert _firing(served) == {"DarbanLinkCut"}

        box.net.mend()
        wait_for(lambda: not _cut_since(server), "the end of the cut is noticed", 40)
        assert _answered(box, server, "after") == _ASKED
        _evaluated(served)
        assert _fails(served)
        assert _firing(served) == {"DarbanLinkCut"}
        server.check_log()


def _answered(box: Box, server: Server, when: str) -> int:
    """How many new names abroad are answered."""
    names = [f"{when}{number}.{FOREIGN}" for number in range(_ASKED)]
    with ThreadPoolExecutor(_ASKED) as clients:
        return sum(clients.map(lambda name: box.answers(name, server.port), names))


def _cut_since(server: Server) -> float:
    return server.scrape().value("darban_link_cut_timestamp_seconds")


def _firing(served: Prometheus) -> set[str]:
    """The alerts that fire, but for those of this host: its clock, and a scrape that it delays."""
    firing = [
        alert["labels"] for alert in served.get("alerts")["alerts"] if alert["state"] == "firing"
    ]
    names = {labels["alertname"] for labels in firing if labels.get("kind") != "clock_wrong"}
    return names - {"DarbanDown"}


def _is_judged(served: Prometheus) -> bool:
    return bool(served.vector("site_instance:darban_failed_responses:ratio_rate5m"))


def _fails(served: Prometheus) -> bool:
    """Whether there is what DarbanServfail and DarbanUpstreamDown are for without a cut."""
    ratio = served.value("site_instance:darban_failed_responses:ratio_rate5m") or 0
    return ratio > 0.05 and served.value("darban_upstream_ok") == 0


def _evaluated(served: Prometheus) -> None:
    """Wait until all rules were evaluated over what is there now."""
    now = served.value("time()") or 0
    wait_for(lambda: (served.value("timestamp(darban_build_info)") or 0) > now + 1.5, "a scrape")
