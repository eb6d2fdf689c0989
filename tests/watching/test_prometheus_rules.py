"""Prometheus accepts its config and rules, and each alert fires where it must."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.live.programs import needed
from tests.watching.expressions import DEPLOY, RULES, alerts

pytestmark = pytest.mark.processes

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("alerts*.yml"))


@pytest.fixture(scope="module")
def promtool() -> Callable[..., str]:
    program = needed("promtool")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_config_is_good(promtool: Callable[..., str]) -> None:
    output = promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    assert f"{len(RULES)} rule files found" in output


def test_the_rules_are_good(promtool: Callable[..., str]) -> None:
    assert f"{len(alerts())} rules found" in promtool("check", "rules", "--lint-fatal", *RULES)


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_alerts_fire_where_they_must(promtool: Callable[..., str], cases: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", cases)


def test_every_alert_has_a_case_where_it_fires_and_one_where_it_does_not() -> None:
    fires: set[str] = set()
    silent: set[str] = set()
    for path in CASES:
        for group in yaml.safe_load(path.read_text())["tests"]:
            for case in group.get("alert_rule_test", ()):
                (fires if case.get("exp_alerts") else silent).add(case["alertname"])
            for case in group.get("promql_expr_test", ()):
                samples = case.get("exp_samples", ())
                text = " ".join([case["expr"], *(sample["labels"] for sample in samples)])
                (fires if samples else silent).update(re.findall(r'alertname="(\w+)"', text))
    names = {alert["alert"] for alert in alerts()}
    assert fires == names
    assert silent >= names
