"""What all dashboards share: the variables above, and how a query is narrowed by them.

What must stay true: every query is narrowed to the chosen instances, so that one Prometheus
may watch many; and those by VLAN or service to the chosen ones of these.
"""

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Panel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

SOURCE = DataSourceRef("prometheus", "${datasource}")
ALL = VariableOption(selected=True, text=["All"], value=["$__all"])
TAG = "darban"

INSTANCE = 'instance=~"$instance"'
VLAN = f'{INSTANCE},vlan=~"$vlan"'
SERVICE = f'{VLAN},service=~"$service"'
"""With the rules that a policy has of its own, whose service is empty, where all are chosen."""

_CHOICES = {
    "instance": ("Instance", "label_values(darban_build_info, instance)"),
    "vlan": ("VLAN", f"label_values(darban_vlan_info{{{INSTANCE}}}, vlan)"),
    "service": (
        "Service",
        f'label_values(darban_queries_total{{{INSTANCE},service!=""}}, service)',
    ),
}


def board(title: str, uid: str, description: str, since: str, choices: Sequence[str]) -> Dashboard:
    """A dashboard with its variables, still without panels."""
    made = (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("browser")
        .time(since, "now")
        .refresh("1m")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(_to_the_others())
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for name in choices:
        made.with_variable(_choice(name, *_CHOICES[name]))
    return made


def row(made: Dashboard, title: str, *panels: Builder[Panel]) -> None:
    """Put panels below those that are there, under a title."""
    made.with_row(Row(title))
    for panel in panels:
        made.with_panel(panel)


def _to_the_others() -> DashboardLink:
    return (
        DashboardLink("Darban")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
    )


def _choice(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(ALL)
    )
