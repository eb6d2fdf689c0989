"""Errors about name servers that are asked over TLS."""

from collections.abc import Iterator

from resolver.config.model import Config
from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Provenance


def check(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Report the groups that would ask without encryption as soon as the servers over TLS fail."""
    for path, group in config.groups():
        over_tls = next((each for each in group.servers if each.tls_name), None)
        for index, server in enumerate(group.servers):
            if over_tls is not None and not server.tls_name:
                advice = f"Where {over_tls} fails, queries would go to {server} without encryption."
                found, at = toml_text(str(server)), (*path, "servers", index)
                yield provenance.problem(at, found, "only servers over TLS in this group", advice)
