"""A dashboard's layout as a page: its grid, each panel with its title and what it shows.

Grafana itself cannot be had as a package where these tests run. What is drawn here is read
from the same file, on the same grid of 24 columns, with values of the same expressions as
Prometheus gives them; the drawing of each panel is ours, and plainer than Grafana's.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.live.drawn_panels import Drawing, Panel, Series, drawn

WIDTH = 1440
_COLUMN, _CELL, _GAP = WIDTH / 24, 38, 8
_TITLE, _LEGEND, _PADDING = 26, 22, 10

Ask = Callable[[str, bool], Sequence[Series]]
"""Gives what an expression gives: over time, or of the last moment."""

_STYLE = """
* { box-sizing: border-box; margin: 0 }
body { background: #f0f1f2; color: #24292e; font: 12px/1.4 sans-serif; width: 1440px }
header { height: 92px; padding: 12px 12px 0 }
h1 { font-size: 20px; font-weight: 600; display: inline }
header p { color: #5b636b }
header span { border: 1px solid #c9ced3; background: #fff; border-radius: 3px; padding: 3px 8px;
  margin-right: 8px; display: inline-block; margin-top: 6px }
main { position: relative }
section, h2 { position: absolute; overflow: hidden }
section { background: #fff; border: 1px solid #dfe2e5; border-radius: 3px; padding: 0 10px }
h2 { font-size: 15px; font-weight: 600; padding: 8px 4px 0 }
h3 { font-size: 13px; font-weight: 600; height: 26px; padding-top: 5px; white-space: nowrap }
svg line { stroke: #e6e8ea } svg polyline { stroke-width: 1.4 } svg { display: block }
svg text { font-size: 11px; fill: #5b636b } .y { text-anchor: end } .x { text-anchor: middle }
.legend { height: 22px; overflow: hidden; padding-top: 3px }
.legend span { margin-right: 12px; white-space: nowrap; display: inline-block }
.legend b { display: inline-block; width: 12px; height: 3px; margin: 3px 5px 3px 0 }
.stat { font-size: 34px; font-weight: 600; text-align: center; border-radius: 3px;
  height: 102px; line-height: 102px; white-space: nowrap }
.stat.long { font-size: 19px }
.none { color: #8a9199; text-align: center; padding-top: 24px; font-size: 14px }
table { width: 100%; border-collapse: collapse }
.rows th { text-align: left; color: #3274d9; font-weight: 600 }
.rows td, .rows th { padding: 4px 6px; border-bottom: 1px solid #eceef0; white-space: nowrap }
.bars th { text-align: right; font-weight: 400; width: 1%; white-space: nowrap; padding-right: 8px }
.bars td { height: 24px } .bars td:last-child { width: 1%; padding-left: 8px; color: #3274d9 }
.bars i { display: block; height: 14px; background: #3274d9; border-radius: 2px }
"""


def drawn_board(board: Mapping[str, Any], ask: Ask, begin: float, end: float) -> str:
    """The dashboard's page, of values between two moments."""
    grid = [panel["gridPos"] for panel in board["panels"]]
    height = max(place["y"] + place["h"] for place in grid) * _CELL
    chosen = [
        f"<span>{html.escape(variable['label'])}: {_chosen(variable)}</span>"
        for variable in board["templating"]["list"]
    ]
    parts = [_panel(panel, ask, begin, end) for panel in board["panels"]]
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{board["title"]}</title>'
        f"<style>{_STYLE}</style><header><h1>{board['title']}</h1><p>{board['description']} "
        f"Layout drawn by Darban's tests; last {end - begin:.0f} seconds of a test.</p>"
        f'{"".join(chosen)}</header><main style="height:{height}px">{"".join(parts)}</main></html>'
    )


def _chosen(variable: Mapping[str, Any]) -> str:
    return "All" if variable["type"] == "query" else "Darban's Prometheus"


def _panel(panel: Panel, ask: Ask, begin: float, end: float) -> str:
    place = panel["gridPos"]
    width, height = round(place["w"] * _COLUMN) - _GAP, place["h"] * _CELL - _GAP
    style = (
        f"left:{place['x'] * _COLUMN + _GAP / 2:.0f}px;top:{place['y'] * _CELL}px;"
        f"width:{width}px;height:{height}px"
    )
    title = html.escape(panel["title"])
    if panel["type"] == "row":
        return f'<h2 style="{style}">{title}</h2>'
    found = [
        (_legend(target["legendFormat"], series.labels), series)
        for target in panel["targets"]
        for series in ask(target["expr"], not target["instant"])
    ]
    inner = height - _TITLE - _PADDING - (_LEGEND if panel["type"] == "timeseries" else 0)
    drawing = Drawing(panel, found, width - 22, inner, begin, end)
    return f'<section style="{style}"><h3>{title}</h3>{drawn(drawing)}</section>'


def _legend(form: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda match: labels.get(match[1], ""), form)
