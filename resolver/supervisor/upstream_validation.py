"""Probe the upstream servers: which answer wrongly, and which are trusted for AD.

Every server is probed at the start, after each reload, and from time to time. The last result
counts. Until the first one no server has passed, and none is wrong. The workers ask a server that
answers wrongly after the others of its group.

A server is trusted for AD if it validates and is on loopback, or if its group has ``trust_ad``
(``upstream.addresses``). The exchange clears AD in the responses of others, before the cache keeps
them; a chain has AD only if each part has it (``engine.chain``).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from resolver.dns import names
from resolver.metrics.part import Part
from resolver.metrics.part_states import UpstreamProbes
from resolver.metrics.status import WrongAnswer
from resolver.policy.compiled import CompiledConfig
from resolver.policy.filter_addresses import FilterAddresses
from resolver.policy.upstream_groups import FALLBACK_GROUP
from resolver.supervisor.background_tasks import wait_at_most
from resolver.supervisor.link_probe import made_up_name
from resolver.supervisor.rollout import Rollout
from resolver.system.log import log
from resolver.upstream.server_address import ServerAddress
from resolver.upstream.validation_probe import Probed, ProbedNames, probe

_PROBE = 30.0
"""Seconds between two probes of all servers."""
_Address = tuple[str, int, str]


class UpstreamValidation(Part):
    """Knows which upstream servers validate."""

    def __init__(self, rollout: Rollout) -> None:
        self._rollout = rollout
        self._state = UpstreamProbes()
        self._changed = asyncio.Event()

    def look(self) -> None:
        """Probe at once: other servers are asked than before."""
        self._changed.set()

    def after_reload(self) -> None:
        """Probe at once: the config may have other upstreams."""
        self.look()

    def states(self) -> Iterable[object]:
        """An ``UpstreamProbes``."""
        yield self._state

    async def run(self) -> None:
        """Probe again and again, until cancelled."""
        while True:
            self._changed.clear()
            await self._probe()
            await wait_at_most(_PROBE, self._changed)

    async def _probe(self) -> None:
        """Probe each server once, and send the workers what has changed."""
        current = self._rollout.current
        compiled, groups = current.compiled, current.hosts.groups()
        servers = {_address(server): server for group in groups.values() for server in group}
        names_of = _probed_names(compiled, groups)
        answers = await asyncio.gather(
            *(probe(server, names_of[key]) for key, server in servers.items())
        )
        if self._rollout.current is not current:  # ``look`` was called
            return
        probed = dict(zip(servers, answers, strict=True))
        validating = _all_validate(servers, probed)
        abroad = compiled.settings.probe_abroad
        answers_of = {
            key: answer
            for key, result in probed.items()
            if (answer := _wrong_answer(result, names_of[key].exists, abroad)) is not None
        }
        wrong = {servers[key]["name"]: answer for key, answer in answers_of.items()}
        unverified = {
            servers[key]["name"]: result.unverified
            for key, result in probed.items()
            if result.unverified
        }
        before, self._state = self._state, UpstreamProbes(validating, wrong, unverified)
        _log_wrong(before.wrong, wrong)
        _log_unverified(before.unverified, unverified)
        hosts = current.hosts
        hosts.validating = frozenset(key for key, result in probed.items() if result.validates)
        hosts.wrong = frozenset(answers_of)
        now = hosts.groups()
        if now != groups:
            self._rollout.send_upstreams()
        ad_trusted = {
            server["name"] for group in now.values() for server in group if server["ad_trusted"]
        }
        _log_changes(before.validating, validating, ad_trusted)


def _address(server: ServerAddress) -> _Address:
    return server["address"], server["port"], server["tls_name"]


def _probed_names(
    compiled: CompiledConfig, groups: Mapping[str, Sequence[ServerAddress]]
) -> dict[_Address, ProbedNames]:
    """The names that each server is asked for, among them one that it must know.

    Servers of a forward zone alone must know this zone. They are asked for no made-up name, and no
    filter is on the path to them.
    """
    settings = compiled.settings
    signed, bogus = names.parse(settings.probe_signed), names.parse(settings.probe_bogus)
    by_address: dict[_Address, ProbedNames] = {}
    for zone in compiled.forward:
        for server in groups[zone.group]:
            by_address.setdefault(_address(server), ProbedNames(zone.zone, b"", signed, bogus))
    zones = {zone.group for zone in compiled.forward}
    public = {policy.upstream for policy in compiled.policies}
    others = made_up_name(settings.probe_abroad), signed, bogus
    filter_addresses = FilterAddresses(compiled.filter_ranges)
    at_home = ProbedNames(names.parse(settings.probe_home), *others, filter_addresses)
    by_address.update((_address(server), at_home) for server in groups.get(FALLBACK_GROUP, ()))
    for group, servers in groups.items():
        if group != FALLBACK_GROUP and (group in public or group not in zones):
            asked = ProbedNames(signed, *others, filter_addresses)
            by_address.update((_address(server), asked) for server in servers)
    return by_address


def _wrong_answer(probed: Probed, exists: bytes, abroad: str) -> WrongAnswer | None:
    """What was wrong with the answers of a server for a name that exists and for a made-up one."""
    if probed.wrong:
        return WrongAnswer(names.text(exists), probed.wrong)
    return WrongAnswer(abroad) if probed.rewrites else None


def _all_validate(
    servers: Mapping[_Address, ServerAddress], probed: Mapping[_Address, Probed]
) -> dict[str, bool]:
    """Whether all addresses of a server validate, by its name."""
    results: dict[str, bool] = {}
    for key, server in servers.items():
        results[server["name"]] = probed[key].validates and results.get(server["name"], True)
    return results


def _log_changes(before: Mapping[str, bool], now: Mapping[str, bool], ad_trusted: set[str]) -> None:
    for name, passed in now.items():
        if before.get(name) == passed:
            continue
        if passed:
            log.info("upstream %s validates DNSSEC", name)
        elif name in ad_trusted:
            text = "upstream %s has trust_ad, and is not known to validate DNSSEC"
            log.warning(text, name)
        elif name in before:
            log.warning("upstream %s is no longer known to validate DNSSEC", name)


def _log_unverified(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Log why servers cannot be verified, by their names, where that has changed."""
    for name, why in now.items():
        if before.get(name) != why:
            log.warning("upstream %s cannot be asked, since TLS fails: %s", name, why)
    for name in before.keys() - now.keys():
        log.info("upstream %s: TLS fails no more", name)


def _log_wrong(before: Mapping[str, WrongAnswer], now: Mapping[str, WrongAnswer]) -> None:
    """Log the servers that answer wrongly, by their names, and did not before."""
    for name, answer in now.items():
        if before.get(name) == answer:
            continue
        if answer.got:
            text = "upstream %s gives %s for %s, which should exist; it is asked last"
            log.warning(text, name, answer.got, answer.name)
        else:
            text = "upstream %s gives an address for made-up names below %s; it is asked last"
            log.warning(text, name, answer.name)
    for name in before.keys() - now.keys():
        log.info("upstream %s gives no wrong answer to its probe any more", name)
