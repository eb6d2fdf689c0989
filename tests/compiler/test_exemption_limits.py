"""An exemption that lasts longer than the config allows, new or in force before."""

import datetime as dt
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_and_save, compile_file
from resolver.snapshot import store
from resolver.system.english import moment_text
from resolver.system.time_zones import zone_or_utc

NOW = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
CONFIG = """
[lists]
directories = ["lists"]
[policies.p]
block = ["@messenger"]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
[hours.office]
days = ["sat"]
from = "07:30"
to = "14:30"
[warnings]
acknowledged = ["long-exemption", "no-encrypted-dns", "half-exempted"]
"""
LIMIT = '[exemption_limits]\nlongest = "30d"\n'
EXEMPTION = """[[exemptions]]
id = "pr"
prefixes = ["10.0.0.1/32"]
services = ["telegram"]
{more}
until = {until}
approver = "Head of PR"
ticket = "PR-1"
"""


def _exemption(days: float, more: str = "", beginning: float | None = None) -> str:
    """An exemption that ends so many days from now."""
    if beginning is not None:
        more = f"{more}\nfrom = {_moment(beginning)}"
    return EXEMPTION.format(more=more, until=_moment(days))


def _moment(days: float) -> str:
    return (NOW + dt.timedelta(days)).isoformat()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    (tmp_path / "lists").mkdir()
    for name in ("telegram", "viber"):
        _list(tmp_path, name)
    return tmp_path


def _list(place: Path, name: str) -> None:
    (place / "lists" / f"{name}.txt").write_text(f"! Category: messenger\n||{name}.example^\n")


def _put_in_force(place: Path, text: str) -> None:
    (place / "config.toml").write_text(text)
    accepted = compile_and_save(place / "config.toml", place / ".darban", None, ())
    store.mark_good(Path(accepted.snapshot))


def _problems(place: Path, text: str) -> list[tuple[str, str]]:
    """The severity and the text of each problem."""
    (place / "config.toml").write_text(text)
    compiled = compile_file(place / "config.toml", NOW.timestamp() + 30)
    return [(problem.severity, str(problem)) for problem in compiled.problems]


def _severities(place: Path, text: str) -> list[str]:
    return [severity for severity, _ in _problems(place, text)]


@pytest.mark.parametrize(
    ("days", "beginning", "refused"),
    [
        (29.9, None, False),
        (30, None, False),
        (30.01, None, True),
        (29, -10, False),
        (31, -10, True),
        (130, 100.5, False),
        (131, 100.5, True),
        (-1, -90, False),
    ],
)
def test_its_length_is_from_now_or_from_a_later_beginning(
    place: Path, days: float, beginning: float | None, refused: bool
) -> None:
    exemption = _exemption(days, beginning=beginning)
    assert ("error" in _severities(place, CONFIG + LIMIT + exemption)) == refused
    assert "error" not in _severities(place, CONFIG + exemption)


def test_the_limit_is_named_with_its_place(place: Path) -> None:
    [problem] = _problems(place, CONFIG + LIMIT + _exemption(60))
    file = place / "config.toml"
    end = (NOW + dt.timedelta(60)).timestamp()
    until = moment_text(end, zone_or_utc("Asia/Tehran"), "seconds")
    assert problem == (
        "error",
        f"{file}:22: exemptions[0].until: found {until}; expected a moment within "
        f'"30d", the longest exemption by {file}:16 (exemption_limits.longest). '
        "Let it end earlier.",
    )


def test_one_that_was_in_force_before_is_a_warning_until_it_is_changed(place: Path) -> None:
    before = _exemption(60)
    _put_in_force(place, CONFIG + before)
    [(severity, text)] = _problems(place, CONFIG + LIMIT + before)
    assert severity == "warning"
    assert "[exemption-over-limit:pr]" in text
    assert "Exemption pr was in force before, and stays until it is changed." in text
    acknowledged = CONFIG.replace('"long-exemption"', '"long-exemption", "exemption-over-limit:pr"')
    assert not _problems(place, acknowledged + LIMIT + before)
    _put_in_force(place, CONFIG + LIMIT + before)  # and again, once the limit is in force
    assert _severities(place, CONFIG + LIMIT + before) == ["warning"]


@pytest.mark.parametrize(
    "changed",
    [
        _exemption(59),
        _exemption(60).replace("10.0.0.1/32", "10.0.0.0/24"),
        _exemption(60).replace('prefixes = ["10.0.0.1/32"]', 'vlan = "v"'),
        _exemption(60).replace('"telegram"', '"telegram", "viber"'),
        _exemption(60).replace('"telegram"', '"@messenger"'),
        _exemption(60, 'hours = "office"'),
        _exemption(60, beginning=1),
        _exemption(60).replace('"pr"', '"other"'),
    ],
    ids=["end", "clients", "VLAN", "service", "category", "hours", "beginning", "id"],
)
def test_a_change_of_whom_what_or_when_is_refused(place: Path, changed: str) -> None:
    _put_in_force(place, CONFIG + _exemption(60))
    assert "error" in _severities(place, CONFIG + LIMIT + changed)


def test_wider_hours_of_the_same_name_are_a_change(place: Path) -> None:
    exemption = _exemption(60, 'hours = "office"')
    _put_in_force(place, CONFIG + exemption)
    assert _severities(place, CONFIG + LIMIT + exemption) == ["warning"]
    wider = CONFIG.replace('to = "14:30"', 'to = "20:00"')
    assert "error" in _severities(place, wider + LIMIT + exemption)


def test_a_new_service_that_is_named_is_a_change(place: Path) -> None:
    _put_in_force(place, CONFIG + _exemption(60))
    (place / "lists" / "own.txt").write_text("! Category: own\n||own.example^\n")
    for more in ('"own"', '"@own"'):
        named = _exemption(60).replace('"telegram"', f'"telegram", {more}')
        assert "error" in _severities(place, CONFIG + LIMIT + named)


def test_other_words_and_fewer_services_are_no_change(place: Path) -> None:
    _put_in_force(place, CONFIG + _exemption(60).replace('"telegram"', '"@messenger"'))
    assert _severities(place, CONFIG + LIMIT + _exemption(60, 'reason = "a fair"')) == ["warning"]


def test_a_service_that_a_list_adds_to_a_category_is_no_change(place: Path) -> None:
    exemption = _exemption(60).replace('"telegram"', '"@messenger"')
    _put_in_force(place, CONFIG + LIMIT.replace("30d", "9w") + exemption)
    _list(place, "signal")
    assert _severities(place, CONFIG + LIMIT + exemption) == ["warning"]


@pytest.mark.parametrize("longest", ["0d", "30", "a month", "", "99999999999999w"])
def test_what_is_no_duration_is_wrong(place: Path, longest: str) -> None:
    [(severity, text)] = _problems(place, CONFIG + LIMIT.replace("30d", longest))
    assert severity == "error"
    assert f'found "{longest}"; expected a duration such as 2h, 90m, 1d12h or 2w' in text
