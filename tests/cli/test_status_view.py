"""How a status is drawn: whole at any width, whatever language titles are in."""

from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from resolver.cli.moments import minute_lines, minute_text
from resolver.cli.status_view import draw_unknown_clients
from resolver.metrics.status import (
    Answers,
    BlockLogStatus,
    CacheStatus,
    ExemptionStatus,
    FetchedStatus,
    HoursStatus,
    ListStatus,
    PublishStatus,
    ServiceCount,
    Status,
    UpstreamStatus,
    VlanCounts,
    ZoneStatus,
)
from resolver.metrics.unknown_clients import UnknownClients
from resolver.policy.clauses import Mode
from tests.cli.drawn_status import drawn
from tests.metrics.statuses import idle

NOW = 1.8e9
IPV6 = "[fd00:db8:1:2:3:4:5:6]:53"
"""Rich takes brackets with a letter after them for markup."""


def _vlan(name: str, passed: int, blocked: int) -> VlanCounts:
    services = (ServiceCount("telegram", "blocked", blocked), ServiceCount("", "blocked", 1))
    outcomes = {"passed": passed, "blocked": blocked + 1}
    return VlanCounts(
        name, 10, "administrative", Mode.ENFORCE, passed + blocked + 1, outcomes, services
    )


def _status(at: float, times: int) -> Status:
    return replace(
        idle(at),
        started=NOW - 93784,
        loaded=NOW - 4000,
        workers=4,
        workers_expected=4,
        vlans=(
            _vlan("administration", 1_000_000 * times, 234_000 * times),
            _vlan("publicity-and-public-relations", 12_345_678_900 * times, 0),
            VlanCounts("unknown", None, "", "", 17, {"refused": 17}, ()),
        ),
        upstreams=(
            UpstreamStatus(
                *("192.0.2.53:53", True, 1000 * times, 3, {}, 1000 * times, times, 0.001),
                validates=True,
            ),
            UpstreamStatus(IPV6, False, 0, 0, {}, 0, 0.0, None),
        ),
        cache=CacheStatus(12345, 45 << 20, 256 << 20, 100, 25, 0.8),
        answers=Answers(150, 50),
        lists=(ListStatus("telegram", "messenger", "تلگرام", 120, (), "2026-11-24"),),
        fetched=(
            FetchedStatus("doh", NOW - 7200, 0),
            FetchedStatus("gone", None, 3),
            FetchedStatus("grown", NOW - 90, 0, held=True),
        ),
        exemptions=(
            ExemptionStatus(
                *("pr-2031", None, ("10.10.3.7/32", "fd00:10::37/128"), ("telegram",)),
                *(NOW + 9e6, "رئیس [bold]روابط عمومی", "PR-2031", ""),
                state="in force",
            ),
        ),
        block_log=BlockLogStatus("/var/lib/darban/blocks.jsonl", "vlan", 17, 2, ""),
    )


FIRST, SECOND = _status(NOW, 1), _status(NOW + 10, 2)


@pytest.mark.parametrize("width", [80, 100, 200])
def test_nothing_is_cut_at_any_width(width: int) -> None:
    text = drawn(SECOND, width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" not in text
    whole = "".join(text.split())
    for part in (
        *("administration", "468,001", "24.69G", IPV6, "pr-2031"),
        *("10.10.3.7/32", "fd00:10::37/128", "1servicewith120rules", "2lost"),
    ):
        assert part in whole, part
    assert "\x1b" not in text


def test_the_first_lines_fit_80_columns_on_a_server_that_runs_long() -> None:
    long = replace(FIRST, version="1.10.10.dev20261202", build="interpreted", pid=4_194_303)
    long = replace(long, workers=16, workers_expected=16, worker_restarts=1234)
    assert drawn(long, 80).splitlines()[:2] == [
        "darban 1.10.10.dev20261202, interpreted",
        "server    up 1 d 2 h, pid 4194303, workers 16 of 16 (1234 replaced)",
    ]


def test_a_terminal_of_80_columns_breaks_no_name_and_no_number() -> None:
    outcomes = ("blocked", "would_block", "exempted", "rebinding", "national_filter", "refused")
    counts = dict.fromkeys((*outcomes, "failed", "dropped"), 23_456)
    vlans = tuple(replace(vlan, outcomes=counts) for vlan in FIRST.vlans)
    upstreams = tuple(replace(upstream, filtered=3, differing=7) for upstream in FIRST.upstreams)
    (exemption,) = FIRST.exemptions
    many = replace(exemption, services=tuple(f"messenger-{n}" for n in range(40)))
    text = drawn(replace(FIRST, vlans=vlans, upstreams=upstreams, exemptions=(many,)), 80)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "…" not in text
    for heading in (count.replace("_", " ") for count in counts):
        assert f" {heading}" in text
    assert text.count(" 23,456") == len(vlans) * len(counts)
    lines = text.splitlines()
    for name in ("administration", "publicity-and-public-relations", "unknown"):
        assert [line for line in lines if line.startswith(f"{name} ")]
    for upstream in upstreams:
        assert len([line for line in lines if line.startswith(f"{upstream.name} ")]) == 2
    assert "fd00:10::37/128 " in text


def test_a_long_line_goes_on_below_its_beginning() -> None:
    office = HoursStatus("office", "sat sun mon tue wed 07:30-14:30 Asia/Tehran", True, NOW)
    lines = drawn(replace(FIRST, hours=(office,)), 60).splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("hours     office: "))
    assert lines[place + 1].startswith(" " * 10 + "Asia/Tehran")


def test_what_the_national_filter_answers_has_a_column_where_there_is_any() -> None:
    assert "filter" not in drawn(FIRST, 100)
    some = VlanCounts("publicity", 20, "open", Mode.ENFORCE, 9, {"national_filter": 7}, ())
    assert "national filter" in " ".join(drawn(replace(FIRST, vlans=(some,)), 100).split())


def test_an_address_is_not_taken_for_markup() -> None:
    lines = drawn(FIRST, 80).splitlines()
    assert [line for line in lines if line.startswith(f"{IPV6} ")]


@pytest.mark.parametrize("width", [110, 200])
def test_an_upstream_that_the_filter_is_seen_at_has_its_row(width: int) -> None:
    assert not {"national", "filter", "differing"} & set(drawn(FIRST, width).split())
    good, down = FIRST.upstreams
    seen = (replace(good, filtered=40, filtered_twice=37), replace(down, differing=20))
    text = drawn(replace(FIRST, upstreams=seen), width)
    assert "…" not in text
    assert max(map(cell_len, text.splitlines())) <= width
    [row] = [line for line in text.splitlines() if line.startswith("192.0.2.53:53 ")]
    [other] = [line for line in text.splitlines() if line.startswith(f"{IPV6} ")]
    assert row.split()[-4:] == ["40,", "37", "twice", "0"]
    assert other.split()[-2:] == ["0", "20"]


def test_persian_is_kept_from_turning_its_neighbours() -> None:
    text = drawn(FIRST, 200)
    assert "\u2068رئیس [bold]روابط عمومی\u2069" in text
    assert "\u2068تلگرام\u2069" in text


def test_what_needs_a_look_is_told() -> None:
    bad = replace(FIRST, config_ok=False, workers=3, clock_synchronised=False, not_ready="draining")
    text = drawn(bad, 100)
    for part in (
        "the config is not in force",
        "not ready, health checks fail: draining",
        "only 3 of 4 workers serve",
        "the clock is not synchronised",
        f"upstream {IPV6} does not answer",
        "gone: up to date never, failed 3 times",
        "doh: up to date 2 h ago",
        "grown: up to date 1 min 30 s ago; a change is held: darban lists",
        "the oldest review was on 2026-11-24",
    ):
        assert part in text


def test_what_ends_soon_comes_after_what_is_wrong() -> None:
    (exemption,) = FIRST.exemptions
    states = (replace(exemption, id=state, state=state) for state in ("ends soon", "ended"))
    text = drawn(replace(FIRST, exemptions=tuple(states), config_ok=False), 200)
    wrong, ended, coming = (
        text.index(part)
        for part in (
            "the config is not in force",
            "\nexemption ended ended on ",
            "\nsoon      exemption ends soon ends on ",
        )
    )
    assert wrong < ended < coming < text.index("by VLAN")


def test_a_missing_forward_zone_is_told() -> None:
    text = drawn(replace(FIRST, missing_forward_queries=12), 200)
    assert "private   12 queries below .local and .internal got NXDOMAIN" in text
    assert "[[forward]]" in text
    assert "private" not in drawn(FIRST, 200)


def test_zones_that_other_resolvers_do_not_have_are_told() -> None:
    zones = (ZoneStatus("a.rpz", 7, 7), ZoneStatus("b.rpz", 8, None))
    publish = PublishStatus("/zones", "127.0.0.1:8053", zones, ("an exemption",), "no space left")
    text = drawn(replace(FIRST, publish=publish), 100)
    for part in (
        "the zones cannot be written: no space left",
        "not in the zones: an exemption",
        "1 of 2 zones are not served by 127.0.0.1:8053 as they were written",
        "2 in /zones, newest serial 8",
    ):
        assert part in text


def test_unknown_clients() -> None:
    console = Console(width=80, force_terminal=False)
    with console.capture() as capture:
        console.print(draw_unknown_clients(UnknownClients((("10.99.3.0/24", 1234),), 5)))
        console.print(draw_unknown_clients(UnknownClients((), 0)))
    text = capture.get()
    assert "10.99.3.0/24     1,234" in text
    assert "short by 5" in text
    assert "no client was refused" in text


def test_hours_and_their_next_change() -> None:
    office = HoursStatus("office", "sat 07:30-14:30 Asia/Tehran", hold=True, changes=NOW + 3600)
    night = HoursStatus("night", "fri 22:00-06:00 Asia/Tehran", hold=False, changes=None)
    text = drawn(replace(FIRST, hours=(office, night)), 120)
    until = minute_text(NOW + 3600)
    assert f"hours     office: sat 07:30-14:30 Asia/Tehran; now, until {until}" in text
    assert "hours     night: fri 22:00-06:00 Asia/Tehran; not now\n" in text


def test_an_exemption_that_begins_later_within_hours() -> None:
    (exemption,) = FIRST.exemptions
    later = replace(exemption, begins=NOW + 7200, hours="office", state="not now")
    text = drawn(replace(FIRST, exemptions=(later,)), 120)
    assert "not now" in text
    moment, day = minute_lines(NOW + 7200)
    begins = text.index("from  ")
    assert begins < text.index(moment) < text.index(day) < text.index("until  ", begins)
    assert "within office" in text
