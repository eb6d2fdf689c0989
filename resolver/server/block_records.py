"""The block log in a worker: write a line of JSON for each blocked query into a pipe.

Queries that would be blocked are written too. The supervisor reads the pipe. The lines of one
iteration of the loop are written together. A write never blocks: if the pipe is full, the lines
are lost, and counted as lost.

What must stay true:
- A line is written whole or not at all: a write is no longer than PIPE_BUF, and the pipe does not
  block.
- A client is recorded no more exactly than the config allows.

To add a field: here; a version may add fields, and removes none; where the meaning of one changes,
``VERSION`` rises. Its field of ECS in docs/make_reference.py, deploy/schemas/block-log.json, its
value in tests/server/test_block_records.py.
"""

import json
import os
import select
import time
from collections.abc import Callable
from typing import Final

from resolver.dns import codes, names
from resolver.dns.query import Query
from resolver.dns.transport import Transport
from resolver.engine.client import Client
from resolver.policy.compiled import CompiledConfig
from resolver.policy.prefixes import address_text, client_prefix, client_prefix_text
from resolver.policy.verdict import NO_SERVICE, Verdict
from resolver.policy.view import View

VERSION: Final = 1
"""Of the form of a line (deploy/schemas/block-log.json). Another meaning of a field raises it."""
_MAX_CONSTANTS: Final = 4096
"""When this many sets of constant parts are kept, the next one clears them all."""


class _Constants:
    """The parts that are equal for all blocked queries of a VLAN over a transport by one list."""

    __slots__ = ("before_client", "before_rule", "before_target", "vlan")

    def __init__(
        self, compiled: CompiledConfig, view: View, verdict: Verdict, transport: Transport
    ) -> None:
        service, source = verdict.service, verdict.source
        self.vlan = json.dumps(compiled.vlans[view.vlan].name, ensure_ascii=False)
        self.before_client = f'", "vlan": {self.vlan}, "client": '
        has_service = service != NO_SERVICE
        name = json.dumps(
            compiled.services[service].name if has_service else "", ensure_ascii=False
        )
        self.before_rule = f', "transport": "{transport.label}", "service": {name}, "rule": '
        file = json.dumps(compiled.sources[source].file if source >= 0 else "", ensure_ascii=False)
        outcome = verdict.outcome.label
        self.before_target = f', "list": {file}, "outcome": "{outcome}", "target": '


class BlockRecords:
    """Writes records into the pipe if the snapshot has a block log."""

    def __init__(self, pipe: int, lost: Callable[[int], None]) -> None:
        """``lost`` is called with the number of lost records."""
        self._pipe = pipe
        self._lost = lost
        self._compiled: CompiledConfig | None = None
        self._recorded_client = ""
        self._constants: dict[tuple[int, int, int, Transport], _Constants] = {}
        self._lines: list[bytes] = []
        self._octets = 0
        self._thousandths = -1
        self._moment_text = ""

    def follow(self, compiled: CompiledConfig) -> bool:
        """Write records for this snapshot from now on; whether it has a block log."""
        self.flush()
        log = compiled.settings.block_log
        self._compiled = None if log is None else compiled
        self._recorded_client = "" if log is None else log.client
        self._constants.clear()
        return log is not None

    def write(self, client: Client, query: Query, verdict: Verdict) -> None:
        """Add a record. It is written at the next ``flush``, or earlier if there are many."""
        compiled, view = self._compiled, client.view
        if compiled is None or view is None:
            return
        key = (view.vlan, verdict.reply_key, verdict.source, client.transport)
        constants = self._constants.get(key)
        if constants is None:
            if len(self._constants) >= _MAX_CONSTANTS:
                self._constants.clear()
            constants = self._constants[key] = _Constants(compiled, view, verdict, client.transport)
        name = names.text(query.name)
        line = (
            f'{{"version": {VERSION}, "time": "{self._moment(time.time())}{constants.before_client}'
            f'{self._client(client, constants)}, "name": {_quoted(name)}, "type": "'
            f'{codes.type_text(query.profile.qtype)}"{constants.before_rule}'
            f"{_quoted(_rule_text(verdict, name))}{constants.before_target}"
            f"{_quoted(verdict.target_text) if verdict.of_answer else _NOTHING}}}\n"
        ).encode()
        if self._octets + len(line) > select.PIPE_BUF:
            self.flush()
        if len(line) > select.PIPE_BUF:
            self._lost(1)
        else:
            self._lines.append(line)
            self._octets += len(line)

    def flush(self) -> None:
        """Write the gathered lines into the pipe, if there is room."""
        if not self._lines:
            return
        try:
            os.write(self._pipe, b"".join(self._lines))
        except OSError:  # the pipe is full, or the supervisor has ended
            self._lost(len(self._lines))
        self._lines.clear()
        self._octets = 0

    def _client(self, client: Client, constants: _Constants) -> str:
        if self._recorded_client == "address":
            return f'"{address_text(client.address)}"'
        if self._recorded_client == "prefix":
            return f'"{client_prefix_text(client_prefix(client.address))}"'
        return constants.vlan

    def _moment(self, wall: float) -> str:
        """A time in UTC, with milliseconds."""
        thousandths = int(wall * 1000)
        if thousandths != self._thousandths:
            self._thousandths = thousandths
            second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(thousandths // 1000))
            self._moment_text = f"{second}.{thousandths % 1000:03}Z"
        return self._moment_text


_NOTHING: Final = '""'


def _rule_text(verdict: Verdict, name: str) -> str:
    """The rule of a verdict; ``name`` is the text of the query's name, which a rule can end."""
    if verdict.target or not verdict.key or "\\" in name:
        return verdict.rule_text
    return ("||" if verdict.subtree else "|") + name[len(name) - len(verdict.key) + 1 :] + "^"


def _quoted(text: str) -> str:
    """A name or a rule as JSON. Only a backslash, which escapes octets in names, needs escaping."""
    return json.dumps(text) if "\\" in text else f'"{text}"'
