"""The files for a centre that watches many sites are good, as their own programs say."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.live.programs import needed
from tests.watching.expressions import DEPLOY, ROOT

pytestmark = pytest.mark.processes

SITES = DEPLOY / "sites"
ANSIBLE = SITES / "ansible"
PLAYBOOKS = ("targets.yml", "figures.yml", "rollout.yml")
RULES = ("recording.yml", "alerts.yml")


def _run(program: str, *arguments: str | Path, at: Path = ROOT) -> str:
    """What a program says, which must end well."""
    done = subprocess.run(
        [needed(program), *arguments],
        cwd=at,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def centre(tmp_path: Path) -> Path:
    """The directory that docs/how-to/sites.md makes."""
    for path in (*(DEPLOY / "prometheus" / name for name in RULES), *SITES.glob("*.yml")):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_the_targets_are_those_of_the_inventory(centre: Path) -> None:
    inventory = ("-i", ANSIBLE / "inventory.yml")
    _run(
        "ansible-playbook", *inventory, ANSIBLE / "targets.yml", "-e", f"directory={centre}/targets"
    )
    boxes, engines = (
        {
            (group["targets"][0], *group["labels"].values())
            for group in yaml.safe_load((centre / "targets" / name).read_text())
        }
        for name in ("darban.yml", "engines.yml")
    )
    assert boxes == {
        *(("10.0.0.61:9153", "main"), ("10.0.0.62:9153", "main")),
        *(("10.7.0.61:9153", "tabriz"), ("10.7.0.62:9153", "tabriz")),
        ("10.8.0.61:9153", "shiraz"),
    }
    modules = {module for _, _, module in engines}
    assert modules == set(yaml.safe_load((centre / "blackbox.yml").read_text())["modules"])
    output = _run("promtool", "check", "config", centre / "prometheus.yml")
    assert "3 rule files found" in output


def test_a_site_may_send_its_series(centre: Path) -> None:
    password = centre / "password"
    password.touch()
    config = centre / "site-prometheus.yml"
    text = config.read_text().replace("/etc/prometheus/centre-password", str(password))
    config.write_text(text)
    _run("promtool", "check", "config", config)


def test_the_alerts_fire_where_they_must() -> None:
    _run("promtool", "check", "rules", "--lint-fatal", SITES / "sites.yml")
    assert "SUCCESS" in _run("promtool", "test", "rules", Path(__file__).with_name("centre.yml"))


@pytest.mark.parametrize(("severity", "receiver"), [("page", "on-duty"), ("ticket", "tickets")])
def test_an_alert_goes_to_who_acts(severity: str, receiver: str) -> None:
    config = SITES / "alertmanager.yml"
    _run("amtool", "check-config", config)
    route = ("config", "routes", "test", f"--config.file={config}", f"severity={severity}")
    assert _run("amtool", *route).split()[-1] == receiver


def test_the_prober_accepts_its_modules() -> None:
    config = f"--config.file={SITES / 'blackbox.yml'}"
    assert "Config file is ok" in _run("prometheus-blackbox-exporter", "--config.check", config)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_ansible_understands_the_playbooks(playbook: str) -> None:
    _run("ansible-playbook", "-i", "inventory.yml", "--syntax-check", playbook, at=ANSIBLE)
