"""Errors about name servers that are asked over TLS, and about fallback servers."""

from collections.abc import Iterator

from resolver.config.model import Config
from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Provenance


def check(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Report the groups that would ask without encryption as soon as the servers over TLS fail."""
    yield from _fallback(config, provenance)
    for path, group in config.groups():
        over_tls = next((each for each in group.servers if each.tls_name), None)
        for index, server in enumerate(group.servers):
            if over_tls is not None and not server.tls_name:
                advice = f"Where {over_tls} fails, queries would go to {server} without encryption."
                found, at = toml_text(str(server)), (*path, "servers", index)
                yield provenance.problem(at, found, "only servers over TLS in this group", advice)


def _fallback(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Report fallback servers that are asked on all days, or without encryption in a cut."""
    upstream = config.upstream
    every = (*upstream.servers, *upstream.fallback)
    over_tls = next((each for each in every if each.tls_name), None)
    for index, server in enumerate(upstream.fallback):
        found, at = toml_text(str(server)), ("upstream", "fallback", index)
        if server in upstream.servers:
            advice = "It is among [upstream] servers, which are asked on all days."
            yield provenance.problem(at, found, "a server that is not among them", advice)
        if over_tls is not None and not server.tls_name:
            advice = f"In a cut, it would get without encryption what {over_tls} gets with it."
            yield provenance.problem(at, found, "a server over TLS", advice)
