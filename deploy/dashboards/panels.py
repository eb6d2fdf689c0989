"""The kinds of panel that the dashboards are made of, each with the look it has everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.dashboards.board import SOURCE

Query = tuple[str, str]
"""An expression, and the legend of what it gives."""
Step = tuple[float, str]
"""From which value on a colour is shown."""

GOOD, WARN, BAD, PLAIN = "green", "orange", "red", "blue"
PER_MINUTE = "suffix: / min"
PER_SECOND = "suffix: / s"
COUNT = "short"
SHARE = "percentunit"
SECONDS = "s"
LONG = "dtdurations"
"""A duration in days, hours and minutes."""
OCTETS = "bytes"
AGO = "dateTimeFromNow"

P = TypeVar("P", stat.Panel, timeseries.Panel, table.Panel, bargauge.Panel, heatmap.Panel)


@dataclass(frozen=True)
class About:
    """What every panel has: a title, what it means and what to do about it, and its size."""

    title: str
    text: str
    width: int
    height: int
    unit: str
    decimals: int | None = None


def number(
    about: About,
    expression: str,
    steps: Sequence[Step] = (),
    *,
    base: str = PLAIN,
    names: Mapping[str, tuple[str, str]] | None = None,
    text: str = "",
) -> stat.Panel:
    """One number, as large as it fits; ``names`` say values in words, each with its colour.

    ``text`` is the label that is shown in place of the value.
    """
    query = _query("A", expression, text).instant()
    panel = (
        _common(stat.Panel(), about, steps, base)
        .with_target(query)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(
            looks.BigValueColorMode.BACKGROUND_SOLID
            if steps or names
            else looks.BigValueColorMode.VALUE
        )
        .graph_mode(looks.BigValueGraphMode.NONE)
        .text_mode(looks.BigValueTextMode.NAME if text else looks.BigValueTextMode.AUTO)
    )
    if names:
        panel.mappings([_in_words(names)])
    return panel


def lines(
    about: About, queries: Sequence[Query], steps: Sequence[Step] = (), *, most: float | None = None
) -> timeseries.Panel:
    """Values over time."""
    panel = _over_time(about, queries, steps).fill_opacity(8)
    if most is not None:
        panel.max(most)
    return panel


def stacked(about: About, queries: Sequence[Query]) -> timeseries.Panel:
    """Rates over time that add up."""
    stacking = common.StackingConfig().mode(looks.StackingMode.NORMAL)
    return _over_time(about, queries, ()).fill_opacity(35).stacking(stacking)


def bars(about: About, expression: str, legend: str) -> bargauge.Panel:
    """The largest of many, one below the other."""
    return (
        _common(bargauge.Panel(), about, (), PLAIN)
        .with_target(_query("A", expression, legend).instant())
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(looks.VizOrientation.HORIZONTAL)
        .display_mode(looks.BarGaugeDisplayMode.BASIC)
        .min(0)
    )


def listing(
    about: About,
    expression: str,
    columns: Mapping[str, str],
    steps: Sequence[Step] = (),
    *,
    base: str = PLAIN,
) -> table.Panel:
    """A row for each series, with its labels under the names of ``columns``, in this order.

    ``Value`` among them is the value; where it is not, the labels alone are shown.
    """
    order = {label: place for place, label in enumerate(columns)}
    organize = model.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": {"Time": True, "Value": "Value" not in columns, **_UNSEEN},
            "indexByName": order,
            "renameByName": dict(columns),
        },
    )
    panel = (
        _common(table.Panel(), about, steps, base)
        .with_target(_query("A", expression, "").instant().format(PromQueryFormat.TABLE))
        .with_transformation(organize)
    )
    if steps:
        shown = model.DynamicConfigValue("custom.cellOptions", {"type": "color-text"})
        panel.override_by_name(columns["Value"], [shown])
    return panel


def heat(about: About, expression: str) -> heatmap.Panel:
    """How many fell into which bucket of a histogram, over time."""
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges")
    return (
        _common(heatmap.Panel(), about, (), PLAIN)
        .with_target(_query("A", expression, "{{le}}").range().format(PromQueryFormat.HEATMAP))
        .calculate(False)
        .color(colours.steps(64))
        .rows_frame(heatmap.RowsHeatmapOptions().layout(looks.HeatmapCellLayout.LE))
        .y_axis(heatmap.YAxisConfig().unit(about.unit))
        .cell_gap(1)
        .show_y_histogram()
    )


_UNSEEN = dict.fromkeys(("__name__", "instance", "job"), True)


def _over_time(about: About, queries: Sequence[Query], steps: Sequence[Step]) -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .display_mode(looks.LegendDisplayMode.LIST)
        .placement(looks.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    tooltip = common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI)
    panel = (
        _common(timeseries.Panel(), about, steps, "transparent")
        .draw_style(looks.GraphDrawStyle.LINE)
        .line_width(1)
        .show_points(looks.VisibilityMode.NEVER)
        .min(0)
        .legend(legend)
        .tooltip(tooltip.sort(looks.SortOrder.DESCENDING))
    )
    if steps:
        shown = looks.GraphThresholdsStyleMode.LINE
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(shown))
    for place, (expression, legend_format) in enumerate(queries):
        panel.with_target(_query(chr(ord("A") + place), expression, legend_format).range())
    return panel


def _common(panel: P, about: About, steps: Sequence[Step], base: str) -> P:
    panel.title(about.title).description(about.text).datasource(SOURCE)
    panel.span(about.width).height(about.height).unit(about.unit)
    if about.decimals is not None:
        panel.decimals(about.decimals)
    colours = [model.Threshold(None, base), *(model.Threshold(value, c) for value, c in steps)]
    panel.thresholds(build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(colours))
    return panel


def _query(letter: str, expression: str, legend: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(SOURCE).ref_id(letter).expr(expression)
    return query.legend_format(legend or "__auto")


def _in_words(names: Mapping[str, tuple[str, str]]) -> model.ValueMapping:
    return model.ValueMap(
        {
            value: model.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(names.items())
        }
    )
