"""Small plots of the figures: their rows, bars and numbers."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from resolver.audit.figures.counts import HourFigures, Labels
from resolver.audit.figures.spans import read_spans
from resolver.audit.figures.store import FigureStore
from resolver.web.figure_plots import plot, vlan_histories
from resolver.web.rendering import LANGUAGES
from resolver.web.status_page import page
from tests.audit.figures.synthetic import ABAN, DAY, HOUR
from tests.metrics.statuses import idle
from tests.web.judged import engine
from tests.web.shown_status import STATUS

TEHRAN = ZoneInfo("Asia/Tehran")
NOW = ABAN + 40 * DAY + 12 * HOUR + 600
"""12:10 in Tehran."""


def test_bars_are_of_local_hours_and_days(tmp_path: Path) -> None:
    store = FigureStore(tmp_path, "ns1")
    blocked = Labels("staff", "telegram", "blocked")
    noon = NOW - 600
    for hours_ago, queries in ((0, 1), (1, 2), (12, 4), (13, 8), (29 * 24 + 12, 16), (30 * 24, 32)):
        of_hour = HourFigures(noon - hours_ago * HOUR)
        of_hour.counts[blocked] = queries
        store.add(of_hour, "Asia/Tehran")
    history = read_spans(tmp_path, NOW, TEHRAN)
    assert history["day"][blocked] == [0] * 10 + [8, 4] + [0] * 10 + [2, 1]
    assert history["week"][blocked] == [0] * 24 + [8, 4, 2, 1]
    assert history["month"][blocked] == [16] + [0] * 27 + [8, 7]


def test_a_bar_is_as_high_as_its_share_of_the_highest() -> None:
    made = plot([0, 50, 100, 1], 24)
    assert (made.bars, made.queries) == (24, 151)
    assert re.findall(r"M(\d)\.1 10v-([\d.]+)h\.8V10", made.path) == [
        ("1", "5.0"),
        ("2", "10.0"),
        ("3", "0.6"),
    ]
    assert plot([], 24).path == ""


def test_rows_beyond_eight_of_a_vlan_are_one() -> None:
    month = {Labels("staff", f"s{n:02}", "blocked"): [n + 1] * 30 for n in range(12)}
    month[Labels("staff", "", "passed")] = [9999] * 30
    month[Labels("unknown", "", "refused")] = [9999] * 30
    (staff,) = vlan_histories({"month": month})
    assert [row.service for row in staff.rows] == [f"s{n:02}" for n in range(11, 3, -1)] + [""]
    assert staff.rows[-1].plots[2].queries == 30 * (1 + 2 + 3 + 4)
    assert [item.queries for item in staff.rows[0].plots] == [0, 0, 360]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_a_plot_for_each_service_and_span(tmp_path: Path, language: str) -> None:
    month = {
        Labels("administration", "one", "blocked"): [3] * 30,
        Labels("administration", "one", "exempted"): [2] * 30,
        Labels("gone", "", "would_block"): [1] * 30,
    }
    history = list(vlan_histories({"month": month}))
    html = page(STATUS, engine(tmp_path).compiled, language, history)
    shown = html.partition('<section id="history"')[2].partition("</section>")[0]
    assert shown.count("<svg") == 9
    assert 'class="exempted"' in shown
    assert ("۹۰" if language == "fa" else "90") in shown
    assert "<bdi>gone</bdi>" in shown


def test_the_page_says_where_there_is_no_history(tmp_path: Path) -> None:
    """Where the status has queries of a rule, the figures are not written or read yet."""
    none = "The figures of the last 30 days have no query that was blocked or counted."
    not_yet = "The figures have no blocked or counted query yet."
    compiled = engine(tmp_path).compiled
    of_rules, of_none = (page(status, compiled, "en") for status in (STATUS, idle(NOW)))
    assert (not_yet in of_rules, none in of_rules) == (True, False)
    assert (not_yet in of_none, none in of_none) == (False, True)
