"""The dashboards are files that Grafana loads; a change in its editor must not lose this."""

import itertools
from typing import Any

import pytest
import yaml

from tests.watching.expressions import DEPLOY, boards, panels

BOARDS = sorted(boards())
_WIDE = 24


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_has_nothing_of_the_grafana_that_saved_it(board: str) -> None:
    made = boards()[board]
    assert made["uid"] == f"darban-{board}"
    assert made.get("id") is None
    assert made["editable"] is False
    assert made["tags"] == ["darban"]
    assert made["refresh"] == "1m"


@pytest.mark.parametrize("board", BOARDS)
def test_a_panel_says_what_it_shows(board: str) -> None:
    for panel in panels(board):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"], panel["title"]


@pytest.mark.parametrize("board", BOARDS)
def test_titles_and_ids_are_unique(board: str) -> None:
    for key in ("title", "id"):
        values = [panel[key] for panel in boards()[board]["panels"]]
        assert len(set(values)) == len(values), key


@pytest.mark.parametrize("board", BOARDS)
def test_panels_fill_their_lines_and_do_not_overlap(board: str) -> None:
    cells = [cell for panel in boards()[board]["panels"] for cell in _cells(panel["gridPos"])]
    assert len(set(cells)) == len(cells)
    assert len(cells) % _WIDE == 0
    assert max(x for x, _ in cells) < _WIDE


def _cells(place: dict[str, int]) -> list[tuple[int, int]]:
    across = range(place["x"], place["x"] + place["w"])
    return list(itertools.product(across, range(place["y"], place["y"] + place["h"])))


@pytest.mark.parametrize("board", BOARDS)
def test_every_variable_narrows_something(board: str) -> None:
    asked = " ".join(target["expr"] for panel in panels(board) for target in panel["targets"])
    variables: list[dict[str, Any]] = boards()[board]["templating"]["list"]
    assert {"datasource", "instance", "vlan"} <= {variable["name"] for variable in variables}
    for variable in variables:
        if variable["type"] == "query":
            assert f'{variable["name"]}=~"${variable["name"]}"' in asked
    for panel in panels(board):
        for target in panel["targets"]:
            assert 'instance=~"$instance"' in target["expr"], panel["title"]


def test_what_grafana_is_provisioned_with() -> None:
    provisioning, prometheus = DEPLOY / "grafana" / "provisioning", DEPLOY / "prometheus"
    [source] = yaml.safe_load((provisioning / "datasources" / "darban.yml").read_text())[
        "datasources"
    ]
    scraped = yaml.safe_load((prometheus / "prometheus.yml").read_text())["global"]
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == scraped["scrape_interval"]
    [provider] = yaml.safe_load((provisioning / "dashboards" / "darban.yml").read_text())[
        "providers"
    ]
    assert provider["type"] == "file"
    assert provider["options"]["path"].startswith("/")
