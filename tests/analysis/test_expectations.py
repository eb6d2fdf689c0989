"""An expectation that fails names the hours where they are the reason, and no hours otherwise."""

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
