"""Compile the upstream groups of a config, and the zones that have groups of their own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from resolver.compiler.prefixes import compile_prefixes
from resolver.config.model import Config
from resolver.config.upstream_model import NameServersConfig, UpstreamGroupConfig
from resolver.config.values import Network
from resolver.policy.upstream_groups import (
    DEFAULT_GROUP,
    FALLBACK_GROUP,
    ConfiguredGroup,
    ForwardZone,
    RebindingProtection,
    forward_group,
)


def forward_zones(config: Config) -> Iterator[ForwardZone]:
    """The forward zones of a config."""
    for place, forward in enumerate(config.forward):
        yield from (ForwardZone(zone, forward_group(place)) for zone in forward.zones)


def upstream_groups(config: Config, authorities: Mapping[str, str]) -> Iterator[ConfiguredGroup]:
    """The groups of a config; ``authorities`` has the certificates of each ``ca_file``."""
    protection = _rebinding(config.upstream.rebinding_allow)
    yield _upstream(DEFAULT_GROUP, config.upstream, authorities, protection)
    if config.upstream.fallback:
        servers = {"servers": config.upstream.fallback}
        asked_in_a_cut = config.upstream.model_copy(update=servers)
        yield _group(FALLBACK_GROUP, asked_in_a_cut, authorities)
    for name, group in config.upstreams.items():
        yield _upstream(name, group, authorities, protection)
    for place, forward in enumerate(config.forward):
        yield _group(forward_group(place), forward, authorities)


def _upstream(
    name: str,
    group: UpstreamGroupConfig,
    authorities: Mapping[str, str],
    protection: RebindingProtection,
) -> ConfiguredGroup:
    rebinding = protection if group.rebinding_protection else None
    compiled = _group(name, group, authorities)
    return replace(compiled, trust_ad=group.trust_ad, rebinding=rebinding)


def _group(name: str, group: NameServersConfig, authorities: Mapping[str, str]) -> ConfiguredGroup:
    """A group that is not protected, as that of a forward zone, whose names are not public."""
    return ConfiguredGroup(
        name=name,
        servers=group.servers,
        source=tuple(map(str, group.source)),
        authorities=authorities.get(group.ca_file or "", ""),
    )


def _rebinding(allow: Sequence[bytes | Network]) -> RebindingProtection:
    """The protection of all groups that have one."""
    names = tuple(entry for entry in allow if isinstance(entry, bytes))
    networks = [entry for entry in allow if not isinstance(entry, bytes)]
    return RebindingProtection(names, tuple(compile_prefixes([networks])))
