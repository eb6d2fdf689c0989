"""Alerts that compare with the past tell sites apart, and take the nodes of a pair together."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.programs import needed
from tests.watching.expressions import DEPLOY, RULES

pytestmark = pytest.mark.processes

_WEEK = 7 * 24
_STOP = _WEEK + 2
"""The hour after which what is to end ends."""
_END = _STOP + 4


@dataclass(frozen=True)
class Network:
    """Sites with so many nodes each. Every site has the same VLANs and the same addresses."""

    sites: tuple[str, ...]
    nodes: int

    def series(self) -> Iterator[tuple[str, int, str]]:
        """The site and the node of each target, and its labels; the first node is the first."""
        for site in self.sites:
            for node in range(self.nodes):
                place = f'site="{site}",' if site else ""
                yield site, node, f'{place}instance="10.0.0.{node}:9153",job="darban"'


NETWORKS = {
    "one node without a label": Network(("",), 1),
    "one node": Network(("main",), 1),
    "a pair": Network(("main",), 2),
    "two sites": Network(("main", "branch"), 1),
    "two sites, each a pair": Network(("main", "branch"), 2),
    "a hundred sites": Network(tuple(f"site-{number}" for number in range(100)), 1),
}


def _blocks(labels: str, hours: int, vlan: str = "administration") -> list[dict[str, str]]:
    """The series of a VLAN that blocks 60 queries an hour, for so many hours of the test."""
    after = f" {hours * 60}x{(_END - hours) * 2}" if hours < _END else ""
    of = f'{{{labels},vlan="{vlan}"'
    return [
        {
            "series": f'darban_queries_total{of},outcome="blocked",service="x"}}',
            "values": f"0+30x{hours * 2}{after}",
        },
        {
            "series": f'darban_vlan_info{of},id="1",policy="p",mode="enforce"}}',
            "values": f"1x{_END * 2}",
        },
        {"series": f"darban_vlan_bans{of}}}", "values": f"3x{_END * 2}"},
    ]


def _play(tmp_path: Path, interval: str, series: list[dict[str, str]], **expected: Any) -> None:  # noqa: ANN401 - as promtool takes it
    """Have promtool play the series, and compare what it finds."""
    case = {
        "rule_files": [str(path) for path in RULES],
        "evaluation_interval": interval,
        "group_eval_order": ["darban-recording", "darban-pages", "darban-tickets"],
        "tests": [{"interval": interval, "input_series": series, "promql_expr_test": [expected]}],
    }
    path = tmp_path / "case.yml"
    path.write_text(yaml.safe_dump(case))
    done = subprocess.run(
        [needed("promtool"), "test", "rules", path],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _sample(**labels: str) -> dict[str, Any]:
    text = ",".join(f'{name}="{value}"' for name, value in labels.items() if value)
    return {"labels": f"{{{text}}}", "value": 1}


_NOTHING = 'count by (site, vlan) (ALERTS{alertname="DarbanBlocksFellToNothing"})'
_DOWN = 'count by (site, instance) (ALERTS{alertname="DarbanDown",alertstate="firing"})'


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_vlan_of_one_site_that_blocks_nothing_any_more(network: Network, tmp_path: Path) -> None:
    first = network.sites[0]
    series = [
        block
        for site, _, labels in network.series()
        for vlan in ("administration", "guests")
        for block in _blocks(
            labels, _STOP if (site, vlan) == (first, "administration") else _END, vlan
        )
    ]
    _play(
        tmp_path,
        "30m",
        series,
        expr=_NOTHING,
        eval_time=f"{_END - 1}h",
        exp_samples=[_sample(site=first, vlan="administration")],
    )


def test_a_node_of_a_pair_that_nobody_asks_any_more(tmp_path: Path) -> None:
    series = [
        block
        for site, node, labels in NETWORKS["two sites, each a pair"].series()
        for block in _blocks(labels, _STOP if (site, node) == ("main", 0) else _END)
    ]
    _play(tmp_path, "30m", series, expr=_NOTHING, eval_time=f"{_END - 1}h")


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_a_site_whose_series_end(network: Network, tmp_path: Path) -> None:
    """The targets of the first site are gone: its own Prometheus, or what sends its series."""
    first = network.sites[0]
    series = [
        {"series": f"up{{{labels}}}", "values": "1x10" if site == first else "1x60"}
        for site, _, labels in network.series()
    ]
    alone = len(network.sites) == 1
    _play(
        tmp_path,
        "1m",
        series,
        expr=_DOWN,
        eval_time="20m",
        exp_samples=[_sample(site="" if alone else first)],
    )


def test_a_node_of_a_pair_that_is_taken_away(tmp_path: Path) -> None:
    series = [
        {"series": f"up{{{labels}}}", "values": "1x60" if node else "1x10"}
        for _, node, labels in NETWORKS["a pair"].series()
    ]
    _play(tmp_path, "1m", series, expr=_DOWN, eval_time="20m")


def test_targets_that_get_a_site(tmp_path: Path) -> None:
    """An upgrade: the same node has the label from now on."""
    [[_, _, before]] = NETWORKS["one node without a label"].series()
    [[_, _, after]] = NETWORKS["one node"].series()
    series = [
        {"series": f"up{{{before}}}", "values": "1x10"},
        {"series": f"up{{{after}}}", "values": "_x10 1x50"},
    ]
    _play(tmp_path, "1m", series, expr=_DOWN, eval_time="20m")


def test_alerts_of_equal_addresses_name_their_sites(tmp_path: Path) -> None:
    """Of two sites, one refuses many queries and fails for others."""
    series = []
    for site, _, labels in NETWORKS["two sites"].series():
        rate = 600 if site == "main" else 0
        series += [
            {
                "series": f'darban_queries_total{{{labels},vlan="unknown",outcome="refused"}}',
                "values": f"0+{rate}x40",
            },
            {
                "series": f'darban_responses_total{{{labels},vlan="a",rcode="SERVFAIL"}}',
                "values": f"0+{rate}x40",
            },
            {
                "series": f'darban_responses_total{{{labels},vlan="b",rcode="NOERROR"}}',
                "values": "0+900x40",
            },
        ]
    _play(
        tmp_path,
        "1m",
        series,
        expr='count by (alertname, site) (ALERTS{alertstate="firing",alertname!="DarbanDown"})',
        eval_time="20m",
        exp_samples=[
            _sample(alertname=name, site="main")
            for name in ("DarbanServfail", "DarbanUnknownClients")
        ],
    )


def test_each_join_of_instances_is_within_a_site() -> None:
    """The sites of one Prometheus may have equal addresses."""
    for path in RULES:
        for line in path.read_text().splitlines():
            if "(instance" in line:
                pytest.fail(f"{path.name}: {line.strip()}: write (site, instance")


def test_the_shipped_targets_have_a_site() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    assert all(group["labels"]["site"] for group in job["static_configs"])
