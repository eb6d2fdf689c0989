"""The worker's side of the block log: a line of JSON for each query that policy caught.

Lines go into a pipe that the supervisor reads. Nobody ever waits here: where the pipe is
full the record is lost, and counted.

What must stay true:
- A line goes into the pipe whole or not at all: it is no longer than PIPE_BUF, and the pipe
  does not block.
- A client is told no more exactly than the config says.
"""

import contextlib
import json
import os
import select
import time
from collections.abc import Callable

from resolver.dns import codes, names
from resolver.dns.query import Query
from resolver.policy.compiled import Terms
from resolver.policy.prefixes import client_prefix, client_prefix_text
from resolver.policy.verdict import NO_SERVICE, Verdict
from resolver.policy.view import View


def record(
    terms: Terms, told: str, wall: float, address: str, view: View, query: Query, verdict: Verdict
) -> dict[str, str]:
    """What is written down of a query; ``told`` is how clients are."""
    vlan = terms.vlans[view.vlan].name
    has_service = verdict.service != NO_SERVICE
    return {
        "time": _moment(wall),
        "vlan": vlan,
        "client": _client(told, vlan, address),
        "name": names.text(query.name),
        "type": codes.type_text(query.qtype),
        "service": terms.services[verdict.service].name if has_service else "",
        "rule": verdict.rule_text,
        "list": terms.sources[verdict.source].file if verdict.source >= 0 else "",
        "outcome": verdict.outcome.label,
        "target": names.text(verdict.target) if verdict.target else "",
    }


def _client(told: str, vlan: str, address: str) -> str:
    if told == "address":
        return address
    return client_prefix_text(client_prefix(address)) if told == "prefix" else vlan


def _moment(wall: float) -> str:
    """To a thousandth of a second, in UTC."""
    thousandths = int(wall * 1000)
    seconds, rest = divmod(thousandths, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03}Z"


class BlockRecords:
    """Writes records into the pipe, for a snapshot whose config wants them."""

    def __init__(self, pipe: int, lost: Callable[[], None]) -> None:
        """``lost`` is called for each record that finds no room."""
        self._pipe = pipe
        self._lost = lost
        self._terms: Terms | None = None
        self._told = ""

    def follow(self, terms: Terms) -> bool:
        """Write what this snapshot wants from now on; whether it wants anything."""
        log = terms.settings.block_log
        self._terms = None if log is None else terms
        self._told = "" if log is None else log.client
        return log is not None

    def write(self, address: str, view: View, query: Query, verdict: Verdict) -> None:
        """Write one record, if there is room."""
        if self._terms is None:
            return
        told = record(self._terms, self._told, time.time(), address, view, query, verdict)
        line = json.dumps(told, ensure_ascii=False).encode() + b"\n"
        if len(line) <= select.PIPE_BUF:
            with contextlib.suppress(OSError):  # full, or the supervisor has gone
                os.write(self._pipe, line)
                return
        self._lost()
