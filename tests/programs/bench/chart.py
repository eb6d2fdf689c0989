"""The chart: horizontal bars as an SVG that is read in dark and in light alike."""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median
from typing import NamedTuple

_WIDTH = 760
_LABEL = 170
_VALUE = 110
_BAR, _GAP = 16, 8
_HEAD, _SECTION = 58, 38
_EDGE = 12
_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.section { font-weight: 600 }
.value { font-variant-numeric: tabular-nums }
.note { fill: #59636e; font-size: 12px }
.ground { fill: #ffffff }
.bar { fill: #8c959f }
.ours { fill: #1a7f37 }
.range { stroke: #1f2328 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .note { fill: #9198a1 }
  .ground { fill: #0d1117 }
  .bar { fill: #656c76 }
  .ours { fill: #3fb950 }
  .range { stroke: #f0f6fc }
}"""

Sections = Mapping[str, Mapping[str, Sequence[float]]]
"""By heading and server, the figure of each run."""


class _Bar(NamedTuple):
    name: str
    low: float
    middle: float
    high: float


def chart(title: str, note: str, sections: Sections, ours: str) -> str:
    """The whole picture: the median as a bar, the range as a line across its end."""
    most = max(max(runs) for servers in sections.values() for runs in servers.values())
    body, y = [], _HEAD
    for heading, servers in sections.items():
        body.append(_text(0, y + 14, heading, "section"))
        y += _SECTION - _BAR
        for bar in _sorted(servers):
            body += _bar(bar, y, (_WIDTH - _LABEL - _VALUE) / most, bar.name == ours)
            y += _BAR + _GAP
        y += _SECTION - _BAR
    says = "; ".join(
        f"{heading}: " + ", ".join(f"{bar.name} {bar.middle:.1f}" for bar in _sorted(servers))
        for heading, servers in sections.items()
    )
    width = _WIDTH + 2 * _EDGE
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-_EDGE} 0 {width} {y}" '
            'role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(says)}</desc>',
            f"<style>{_STYLE}</style>",
            # Its own ground: a viewer that knows no dark mode may still show it on a dark page.
            f'<path class="ground" d="M{-_EDGE} 0h{width}v{y}h{-width}z"/>',
            _text(0, 24, title, "title"),
            _text(0, 43, note, "note"),
            *body,
            "</svg>\n",
        )
    )


def _sorted(servers: Mapping[str, Sequence[float]]) -> list[_Bar]:
    bars = [_Bar(name, min(runs), median(runs), max(runs)) for name, runs in servers.items()]
    return sorted(bars, key=lambda bar: bar.middle)


def _bar(bar: _Bar, y: int, scale: float, ours: bool) -> list[str]:
    low, middle, high = (_LABEL + value * scale for value in bar[1:])
    centre = y + _BAR / 2
    kind = "bar ours" if ours else "bar"
    return [
        _text(_LABEL - 8, y + 13, bar.name, "name", anchor="end"),
        f'<rect class="{kind}" x="{_LABEL}" y="{y}" width="{middle - _LABEL:.1f}" '
        f'height="{_BAR}" rx="2"/>',
        f'<path class="range" d="M{low:.1f} {centre}H{high:.1f}"/>',
        _text(max(middle, high) + 8, y + 13, f"{bar.middle:.1f}", "value"),
    ]


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'
