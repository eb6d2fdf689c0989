"""``/status.json``: the status for monitoring programs such as Zabbix and Icinga.

What must stay true:
- A field is here because somebody has put it here: a new field of ``Status`` is not shown by
  itself. The names and the meaning of those below stay from 1.3 on.
- Every user of this host can read it. So it has no client, no path, no text of an error or of a
  config, nobody's name, and no id of an exemption, which is made of a ticket.
"""

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Final

from aiohttp import web

from resolver.metrics.faults import faults
from resolver.metrics.status import (
    Answers,
    BlockLogStatus,
    CacheStatus,
    ExemptionStatus,
    FetchedStatus,
    HoursStatus,
    LastReload,
    ListStatus,
    PolicySourceStatus,
    PublishStatus,
    ServiceCount,
    Status,
    UpstreamStatus,
    VlanCounts,
    ZoneStatus,
)
from resolver.web import pages

SHOWN: Final[Mapping[type, tuple[str, ...]]] = {
    Status: (
        *("version", "build", "at", "started", "hash", "policy_hash", "loaded", "config_ok"),
        *("workers", "workers_expected", "worker_restarts", "last_reload", "vlans", "upstreams"),
        *("cache", "answers", "lists", "fetched", "exemptions", "block_log", "publish"),
        *("missing_forward_queries", "policy_source", "clock_synchronised", "not_ready"),
        *("edited_since", "edits_not_compared", "missing_addresses", "has_control_socket"),
        *("not_accepting", "hours", "link_cut"),
    ),
    LastReload: ("at", "result"),
    VlanCounts: ("name", "id", "policy", "mode", "queries", "outcomes", "services", "redirected"),
    ServiceCount: ("service", "outcome", "queries"),
    UpstreamStatus: (
        *("name", "up", "queries", "failures", "results", "answered", "seconds", "latency"),
        *("validates", "failing", "filtered", "filtered_twice", "differing"),
    ),
    CacheStatus: ("entries", "bytes", "max_bytes", "hits", "misses", "hit_rate"),
    Answers: ("cache", "upstream"),
    ListStatus: ("service", "category", "title", "entries", "reviewed"),
    FetchedStatus: ("name", "updated", "failures", "held"),
    ExemptionStatus: ("vlan", "services", "begins", "until", "hours", "state"),
    BlockLogStatus: ("client", "records", "lost"),
    PublishStatus: ("zones",),
    ZoneStatus: ("name", "written", "served"),
    PolicySourceStatus: ("commit", "applied", "pulled", "at", "result", "dated", "expiry"),
    HoursStatus: ("name", "hold", "changes"),
}
"""What is shown of each class, by the names of the fields."""


def add_to(app: web.Application, status: Callable[[], Status]) -> None:
    """Add it to an application; the callable is called for each request."""

    async def get(_: web.Request) -> web.Response:
        return web.json_response(status_json(status()), headers=pages.HEADERS)

    app.router.add_get("/status.json", get)


def status_json(status: Status) -> dict[str, object]:
    """What is shown of a status, and the kinds of the faults that it has now."""
    return {**_shown(status), "faults": [fault.kind for fault in faults(status)]}


def _shown(value: object) -> dict[str, object]:
    return {name: _plain(getattr(value, name)) for name in SHOWN[type(value)]}


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if is_dataclass(value):
        return _shown(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
