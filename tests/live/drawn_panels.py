"""What is in a panel, drawn as HTML and SVG: plain shapes of the kinds that Grafana has."""

import html
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.live.drawn_units import written

Panel = Mapping[str, Any]
Labels = Mapping[str, str]

_PALETTE = ("#56a64b", "#e0a800", "#3274d9", "#f2733b", "#e02f44", "#8f3bb8", "#2a9d8f", "#9a6b4f")
_COLOURS = {"green": "#56a64b", "orange": "#f2733b", "red": "#e02f44", "blue": "#3274d9"}
_LEFT, _BOTTOM, _TOP = 74, 20, 6
_COLUMNS = 60
_LONG = 13
"""Characters from which a number is written smaller."""


@dataclass(frozen=True)
class Series:
    """Values of one series by their moments; of one moment, where only that was asked for."""

    labels: Labels
    points: Sequence[tuple[float, float]]

    @property
    def last(self) -> float:
        return self.points[-1][1]


@dataclass(frozen=True)
class Drawing:
    """What a panel shows, the pixels that it has, and the time that it is about."""

    panel: Panel
    found: Sequence[tuple[str, Series]]
    """Series, each with its legend."""
    width: int
    height: int
    begin: float
    end: float

    def told(self, value: float) -> str:
        return html.escape(written(value, self.panel["fieldConfig"]["defaults"], self.end))

    def colour(self, value: float) -> str:
        """The colour of the threshold that a value has come to."""
        steps = self.panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        reached = [step for step in steps if step["value"] is None or value >= step["value"]]
        return _COLOURS[reached[-1]["color"]]


def drawn(drawing: Drawing) -> str:
    """The panel's content."""
    if not drawing.found:
        return '<p class="none">No data</p>'
    return _KINDS[drawing.panel["type"]](drawing)


def _stat(drawing: Drawing) -> str:
    [(_, series)] = drawing.found
    text, colour = drawing.told(series.last), drawing.colour(series.last)
    for mapping in drawing.panel["fieldConfig"]["defaults"].get("mappings", ()):
        if named := mapping["options"].get(f"{series.last:g}"):
            text, colour = named["text"], _COLOURS[named["color"]]
    solid = drawing.panel["options"]["colorMode"] == "background_solid"
    style = f"background:{colour};color:#fff" if solid else f"color:{colour}"
    return f'<p class="{"stat" if len(text) < _LONG else "stat long"}" style="{style}">{text}</p>'


def _bargauge(drawing: Drawing) -> str:
    most = max(series.last for _, series in drawing.found)
    rows = [
        f"<tr><th>{html.escape(legend)}</th><td><i style='width:{100 * series.last / most:.1f}%'>"
        f"</i></td><td>{drawing.told(series.last)}</td></tr>"
        for legend, series in drawing.found
    ]
    return f'<table class="bars">{"".join(rows)}</table>'


def _table(drawing: Drawing) -> str:
    [organize] = drawing.panel["transformations"]
    options = organize["options"]
    names = options["renameByName"]
    columns = sorted(names, key=options["indexByName"].__getitem__)
    coloured = {override["matcher"]["options"] for override in _overrides(drawing)}

    def cell(series: Series, column: str) -> str:
        if column != "Value":
            return f"<td>{html.escape(series.labels.get(column, ''))}</td>"
        style = f"color:{drawing.colour(series.last)}" if names[column] in coloured else ""
        return f'<td style="{style}">{drawing.told(series.last)}</td>'

    head = "".join(f"<th>{html.escape(names[column])}</th>" for column in columns)
    rows = "".join(
        f"<tr>{''.join(cell(series, column) for column in columns)}</tr>"
        for _, series in drawing.found
    )
    return f'<table class="rows"><tr>{head}</tr>{rows}</table>'


def _overrides(drawing: Drawing) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = drawing.panel["fieldConfig"]["overrides"]
    return found


def _timeseries(drawing: Drawing) -> str:
    custom = drawing.panel["fieldConfig"]["defaults"]["custom"]
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    moments = sorted({moment for _, series in drawing.found for moment, _ in series.points})
    below = dict.fromkeys(moments, 0.0)
    lines: list[tuple[list[tuple[float, float]], list[tuple[float, float]]]] = []
    for _, series in drawing.found:
        base = [(moment, below[moment]) for moment, _ in series.points] if stacked else []
        line = [(m, value + (below[m] if stacked else 0)) for m, value in series.points]
        below.update(line)
        lines.append((line, base))
    most = max(value for line, _ in lines for _, value in line)
    most = drawing.panel["fieldConfig"]["defaults"].get("max") or _round_up(most)
    across, down, frame = _axes(drawing, most)
    shapes = []
    for number, (line, base) in enumerate(lines):
        colour = _PALETTE[number % len(_PALETTE)]
        points = " ".join(f"{across(m):.1f},{down(v):.1f}" for m, v in line)
        floor = base or [(line[0][0], 0.0), (line[-1][0], 0.0)]
        under = " ".join(f"{across(m):.1f},{down(v):.1f}" for m, v in reversed(floor))
        opacity = custom["fillOpacity"] / 100
        shapes.append(f'<polygon points="{points} {under}" fill="{colour}" opacity="{opacity}"/>')
        shapes.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
    return f"{_svg(drawing, frame + ''.join(shapes))}{_legend(drawing)}"


def _heatmap(drawing: Drawing) -> str:
    """Cells by moment and bucket; a bucket's series has what fell into those below it too."""
    edges = sorted(drawing.found, key=lambda found: float(found[1].labels["le"]))
    rows: list[dict[float, float]] = []
    below: dict[float, float] = {}
    for _, series in edges:
        here = dict(series.points)
        rows.append({moment: value - below.get(moment, 0.0) for moment, value in here.items()})
        below = here
    most = max(value for row in rows for value in row.values()) or 1.0
    wide, high = drawing.width - _LEFT, drawing.height - _BOTTOM - _TOP
    cells = []
    for number, row in enumerate(rows):
        top = _TOP + high * (len(rows) - 1 - number) / len(rows)
        for column in range(_COLUMNS):
            begin = drawing.begin + (drawing.end - drawing.begin) * column / _COLUMNS
            until = begin + (drawing.end - drawing.begin) / _COLUMNS
            value = max((v for m, v in row.items() if begin <= m < until), default=0.0)
            if value > 0:
                cells.append(
                    f'<rect x="{_LEFT + wide * column / _COLUMNS:.1f}" y="{top + 0.5:.1f}" '
                    f'width="{wide / _COLUMNS - 1:.1f}" height="{high / len(rows) - 1:.1f}" '
                    f'fill="#b5450b" opacity="{0.12 + 0.88 * value / most:.2f}"/>'
                )
        if number % 3 == 0:
            edge = float(edges[number][1].labels["le"])
            text = "more" if math.isinf(edge) else drawing.told(edge)
            cells.append(f'<text x="{_LEFT - 6}" y="{top + 9:.0f}" class="y">{text}</text>')
    return _svg(drawing, "".join(cells) + _moments(drawing))


_KINDS: Mapping[str, Callable[[Drawing], str]] = {
    "stat": _stat,
    "bargauge": _bargauge,
    "table": _table,
    "timeseries": _timeseries,
    "heatmap": _heatmap,
}

Place = Callable[[float], float]


def _axes(drawing: Drawing, most: float) -> tuple[Place, Place, str]:
    """Where moments and values are, and the lines and words that say so."""
    bottom = drawing.height - _BOTTOM

    def across(moment: float) -> float:
        share = (moment - drawing.begin) / (drawing.end - drawing.begin)
        return _LEFT + share * (drawing.width - _LEFT)

    def down(value: float) -> float:
        return bottom - value / most * (bottom - _TOP)

    told = {drawing.told(value): value for value in (most, most / 2, 0.0)}
    frame = "".join(
        f'<line x1="{_LEFT}" x2="{drawing.width}" y1="{down(value):.1f}" y2="{down(value):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{down(value) + 4:.1f}" class="y">{text}</text>'
        for text, value in told.items()
    )
    return across, down, frame + _moments(drawing)


def _round_up(value: float) -> float:
    """The next value that is easy to read."""
    if value <= 0:
        return 1.0
    size = 10 ** math.floor(math.log10(value))
    return next(step * size for step in (1, 2, 2.5, 4, 5, 8, 10) if step * size >= value)


def _moments(drawing: Drawing) -> str:
    told = []
    for share in (0.1, 0.5, 0.9):
        moment = time.gmtime(drawing.begin + share * (drawing.end - drawing.begin))
        x = _LEFT + share * (drawing.width - _LEFT)
        text = time.strftime("%H:%M:%S", moment)
        told.append(f'<text x="{x:.0f}" y="{drawing.height - 4}" class="x">{text}</text>')
    return "".join(told)


def _svg(drawing: Drawing, content: str) -> str:
    return f'<svg width="{drawing.width}" height="{drawing.height}">{content}</svg>'


def _legend(drawing: Drawing) -> str:
    entries = (
        f'<span><b style="background:{_PALETTE[number % len(_PALETTE)]}"></b>'
        f"{html.escape(legend)}</span>"
        for number, (legend, _) in enumerate(drawing.found)
    )
    return f'<p class="legend">{"".join(entries)}</p>'
