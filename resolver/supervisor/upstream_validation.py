"""Probe the upstream servers, and tell the workers which are believed when they set AD.

Every server is probed at the start, after each reload, and from time to time. The last result
counts, and until the first one no server has passed.
"""

import asyncio
import contextlib

from resolver.dns import names
from resolver.metrics.facts import ServerFacts
from resolver.metrics.log import log
from resolver.supervisor.rollout import Rollout
from resolver.upstream.validation_probe import validates

_PROBE = 300.0
"""Seconds between two probes of all servers, while each is known to validate."""
_PROBE_UNKNOWN = 30.0


class UpstreamValidation:
    """Knows which upstream servers validate."""

    def __init__(self, rollout: Rollout, facts: ServerFacts) -> None:
        self._rollout = rollout
        self._facts = facts
        self._changed = asyncio.Event()

    def look(self) -> None:
        """Probe at once: the upstreams may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Probe again and again, until cancelled."""
        while True:
            self._changed.clear()
            await self._probe()
            pause = _PROBE if all(self._facts.validating.values()) else _PROBE_UNKNOWN
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause)

    async def _probe(self) -> None:
        """Probe each server once, and send the workers what has changed."""
        current = self._rollout.current
        settings, groups = current.terms.settings, current.hosts.groups()
        servers = {
            (each["address"], each["port"]): each for group in groups.values() for each in group
        }
        controls = names.parse(settings.probe_signed), names.parse(settings.probe_bogus)
        found = await asyncio.gather(*(validates(each, *controls) for each in servers.values()))
        if self._rollout.current is not current:  # ``look`` was called
            return
        results: dict[str, bool] = {}
        for server, passed in zip(servers.values(), found, strict=True):
            results[server["name"]] = passed and results.get(server["name"], True)
        before, self._facts.validating = self._facts.validating, results
        current.hosts.validating = frozenset(
            key for key, passed in zip(servers, found, strict=True) if passed
        )
        now = current.hosts.groups()
        if now != groups:
            self._rollout.send_upstreams()
        believed = {each["name"] for group in now.values() for each in group if each["believed"]}
        _log_changes(before, results, believed)


def _log_changes(before: dict[str, bool], now: dict[str, bool], believed: set[str]) -> None:
    for name, passed in now.items():
        if before.get(name) == passed:
            continue
        if passed:
            log.info("upstream %s validates DNSSEC", name)
        elif name in believed:
            text = "upstream %s has trust_ad, and is not known to validate DNSSEC"
            log.warning(text, name)
        elif name in before:
            log.warning("upstream %s is no longer known to validate DNSSEC", name)
