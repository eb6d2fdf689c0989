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
from resolver.lists.guard import ProtectedNames
from resolver.lists.list_reader import shortened
from resolver.lists.rules import BlockList, Rule, SkippedLine

UPDATES = Path(__file__).with_name("updates.toml")


def protected_names(config: Config) -> dict[bytes, str]:
    """The names that the lists of others in a config may not block, and what each is."""
    return {**_updates(), **dict(_of_network(config))}


def without_protected(block_list: BlockList, protected: ProtectedNames) -> BlockList:
    """The list without the rules that would block protected names."""
    rules: list[Rule] = []
    refused: list[tuple[Rule, str]] = []
    for rule in block_list.rules:
        if reason := protected.conflict(rule):
            refused.append((rule, reason))
        else:
            rules.append(rule)
    if not refused:
        return block_list
    lines = (SkippedLine(rule.line, shortened(rule.text), reason) for rule, reason in refused)
    skipped = tuple(sorted([*block_list.skipped, *lines]))
    return replace(block_list, rules=tuple(rules), skipped=skipped, refused=tuple(refused))


def _of_network(config: Config) -> Iterator[tuple[bytes, str]]:
    """The names of this network, and those that this server needs."""
    groups = [group.servers for _, group in config.groups()]
    for servers in (*groups, config.upstream.fallback):
        for server in servers:
            if server.kind == "hostname":
                yield names.parse(server.host), "a host that this server needs"
    yield from ((local.name, "a local name of this network") for local in config.local)
    for forward in config.forward:
        yield from ((zone, "a zone of this network") for zone in forward.zones)


@functools.cache
def _updates() -> dict[bytes, str]:
    groups = tomllib.loads(UPDATES.read_text(encoding="utf-8"))["group"]
    advice = "which only a policy's deny or a list of your own blocks"
    return {
        names.parse(name): f"a name needed for {group['for']}, {advice}"
        for group in groups
        for name in group["names"]
    }
