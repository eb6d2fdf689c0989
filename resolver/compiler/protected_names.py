"""Names that no list of others may block: of this network, of this server, and of ``updates.toml``.

A list that breaks updates, time or the revocation of certificates harms every machine, and nobody
notices for weeks; one of messengers may have the domestic ones. So the operator must say so: by a
policy's ``deny``, or by a list of the agency's own, which are not checked here.
"""

import functools
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from resolver.config.model import Config
from resolver.dns import names
from resolver.lists.guard import ProtectedName, ProtectedNames
from resolver.lists.list_reader import shortened
from resolver.lists.rules import BlockList, Rule, SkippedLine

UPDATES = Path(__file__).with_name("updates.toml")


def protected_names(config: Config) -> dict[bytes, ProtectedName]:
    """The names that the lists of others in a config may not block."""
    return {**_updates(), **{protected.name: protected for protected in _of_network(config)}}


def without_protected(block_list: BlockList, protected: ProtectedNames) -> BlockList:
    """The list without what of its rules would block protected names."""
    rules: list[Rule] = []
    refused: list[tuple[Rule, str]] = []
    exceptions: dict[tuple[bytes, bool], tuple[Rule, str]] = {}
    for rule in block_list.rules:
        if reason := protected.conflict(rule):
            refused.append((rule, reason))
            continue
        rules.append(rule)
        for exception, what in protected.exceptions(rule):
            exceptions.setdefault(exception[:2], (exception, what))
    if not refused and not exceptions:
        return block_list
    lines = (SkippedLine(rule.line, shortened(rule.text), reason) for rule, reason in refused)
    skipped = tuple(sorted([*block_list.skipped, *lines]))
    for exception, what in exceptions.values():
        reason = f"{what} ('{names.text(exception.name)}'), or below it"
        refused.append((exception._replace(exception=False), reason))
    known = {rule[:2] for rule in rules if rule.exception} if exceptions else set()
    rules += [rule for key, (rule, _) in exceptions.items() if key not in known]
    return replace(block_list, rules=tuple(rules), skipped=skipped, refused=tuple(refused))


def _of_network(config: Config) -> Iterator[ProtectedName]:
    """The names of this network, and those that this server needs."""
    groups = [group.servers for _, group in config.groups()]
    for servers in (*groups, config.upstream.fallback):
        for server in servers:
            if server.kind == "hostname":
                name = names.parse(server.host)
                yield ProtectedName(name, "a host that this server needs", False, of_network=True)
    for local in config.local:
        name = local.name.removeprefix(names.WILDCARD)
        is_wildcard = name != local.name
        yield ProtectedName(name, "a local name of this network", is_wildcard, of_network=True)
    for forward in config.forward:
        for zone in forward.zones:
            yield ProtectedName(zone, "a zone of this network", of_network=True)


@functools.cache
def _updates() -> dict[bytes, ProtectedName]:
    groups = tomllib.loads(UPDATES.read_text(encoding="utf-8"))["group"]
    advice = "which only a policy's deny or a list of your own blocks"
    return {
        (wire := names.parse(name)): ProtectedName(
            wire, f"a name needed for {group['for']}, {advice}"
        )
        for group in groups
        for name in group["names"]
    }
