"""An expectation that fails names the hours where they are the reason, and no hours otherwise."""

from resolver.analysis.changes import ComparedPolicy, compare
from resolver.analysis.expectations import ExpectationRun
from tests.compiler.texts import compile_texts
from tests.config.files_in_memory import load_text

_NOW = 1_796_000_000.0
_CONFIG = """
[hours.office]
days = ["sat"]
from = "07:30"
to = "14:30"
time_zone = "Asia/Tehran"
[policies.staff]
block = []
deny = ["always.example"]
during = [{ hours = "office", block = ["games"] }]
[vlans.staff]
prefixes = ["10.0.0.0/8"]
policy = "staff"
[[expect]]
client = "10.0.0.5"
"""
_EXEMPTION = """
[[exemptions]]
id = "x"
prefixes = ["10.0.0.5/32"]
services = ["games"]
until = 2027-03-01T12:00:00Z
approver = "Head"
ticket = "T"
"""
_LISTS = {"games": "||games.example^\n"}


def _failure(expectation: str) -> str:
    config = _CONFIG + expectation
    loaded, snapshot = load_text(config), compile_texts(config, _LISTS)
    run = ExpectationRun(loaded, snapshot.compiled, snapshot.index(), _NOW)
    [failure] = run.failures()
    return str(failure)


def test_what_fails_at_all_hours_names_none() -> None:
    told = _failure('name = "always.example"\noutcome = "passed"\n')
    assert "expected passed, got blocked: deny of policy staff" in told
    assert "hours" not in told


def test_what_fails_at_some_hours_names_them() -> None:
    told = _failure('name = "games.example"\noutcome = "passed"\n')
    assert told.endswith(", while the hours office hold")
    told = _failure('name = "games.example"\noutcome = "blocked"\n')
    assert told.endswith(", while no hours hold")


def test_what_is_expected_at_hours_and_fails_names_them() -> None:
    told = _failure('name = "open.example"\noutcome = "blocked"\nhours = "office"\n')
    assert told.endswith(", while the hours office hold")


def test_the_end_of_an_exemption_that_one_needs_is_local() -> None:
    config = _CONFIG + 'name = "games.example"\noutcome = "exempted"\n' + _EXEMPTION
    config = config.replace('block = []\ndeny = ["always.example"]', 'block = ["games"]')
    config = config.replace('during = [{ hours = "office", block = ["games"] }]\n', "")
    loaded, snapshot = load_text(config), compile_texts(config, _LISTS)
    [warning] = ExpectationRun(loaded, snapshot.compiled, snapshot.index(), _NOW).breaking_later()
    assert warning.found == (
        "one that holds until exemption x ends (2027-03-01 15:30+03:30 (1405-12-10))"
    )


def test_a_comparison_shows_exemptions_at_local_times() -> None:
    config = _CONFIG.partition("[[expect]]")[0]
    old, new = (
        ComparedPolicy("", snapshot.compiled, snapshot.index(), None)
        for snapshot in (compile_texts(text, _LISTS) for text in (config, config + _EXEMPTION))
    )
    [added] = compare(old, new)
    shown = {detail.key: detail.new for detail in added.details}
    assert shown["until"] == "2027-03-01 15:30:00+03:30 (1405-12-10)"
