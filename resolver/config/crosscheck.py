"""Errors that take more than one section to see: unknown names, repetitions, a loop to itself.

What takes one section alone is checked in its class (``ConfigSection.errors``, ``table_errors``);
``check`` calls these. The checks see the values that were understood, or the merged document where
text is enough. A name counts as known if any file defines it, even if its definition is wrong.
While a file cannot be read, no name counts as unknown. A name in a table that is no section counts
as known too, since the table's name may be a misspelled section's. A name that is unknown in
several places is one problem, since one wrong definition may be the cause.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from resolver.config.model import Config
from resolver.config.network_values import SocketAddress
from resolver.config.problems import Problem, did_you_mean, one_of, toml_text
from resolver.config.provenance import ANY, Location, MergedDocument, Provenance, matching
from resolver.config.section import sections, tables
from resolver.config.section_checks import repeated
from resolver.config.toml_lines import Path
from resolver.dns import names
from resolver.policy.upstream_groups import ConfiguredServer

_REFERENCES = {
    ("vlans", ANY, "policy"): "policies",
    ("policies", ANY, "extends"): "policies",
    ("policies", ANY, "directives", ANY): "directives",
    ("directives", ANY, "narrows"): "directives",
    ("policies", ANY, "upstream"): "upstreams",
    ("exemptions", ANY, "vlan"): "vlans",
    ("exemptions", ANY, "hours"): "hours",
    ("policies", ANY, "during", ANY, "hours"): "hours",
    ("policies", ANY, "during", ANY, "outside"): "hours",
    ("expect", ANY, "hours"): "hours",
    ("expect", ANY, "vlan"): "vlans",
    ("expect", ANY, "policy"): "policies",
}
"""The values that name an entry of a section."""

_NO_GROUP = ("upstreams", "")
"""How a policy refers to [upstream]."""

_MAX_PLACES = 4

PUBLISHED_BELOW: Final = names.parse("rpz.internal")
"""The name that all zones of [publish] lie below."""

_LONGEST_RULE = f"128.{'ffff.' * 8}rpz-client-ip"
"""The name of a rule for an address, below the name of a zone of [publish]."""

_LOOPBACK = {4: ip_address("127.0.0.1"), 6: ip_address("::1")}
"""Where a query to 0.0.0.0 or :: goes."""

_IN_NO_VLAN = "unknown"
"""The label of clients in no VLAN, as ``UNKNOWN`` in ``metrics/layout.py``."""

_UNIQUE: dict[str, tuple[Path, ...]] = {
    "prefix": (("vlans", ANY, "prefixes", ANY),),
    # The pages come first, so that a conflict is reported where the DNS listens.
    "address and port": (
        ("metrics", "listen"),
        ("block_page", "listen", ANY),
        ("publish", "listen", ANY),
        ("server", "listen", ANY),
        ("server", "redirected", ANY),
        ("feeds", "listen", ANY),
        ("server", "proxy", "listen", ANY),
        ("server", "tls", "listen", ANY),
        *(("front", protocol, ANY) for protocol in ("dns", "dot", "doh")),
    ),
    "interface": (("vlans", ANY, "interface"),),
    "exemption id": (("exemptions", ANY, "id"),),
    "zone": (("forward", ANY, "zones", ANY),),
    "local name": (("local", ANY, "name"),),
}

_NAME_SERVERS: tuple[Path, ...] = (
    ("upstream", "bootstrap", ANY),
    ("upstream", "servers", ANY),
    ("upstream", "fallback", ANY),
    ("upstreams", ANY, "servers", ANY),
    ("forward", ANY, "servers", ANY),
)


def check(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Every error that takes more than one value to see, in one section or in several."""
    if provenance.merged.complete:
        yield from _unknown_names(provenance)
        if not provenance.unknown:
            yield from _no_vlan(provenance)
    yield from _vlan_named_unknown(config, provenance)
    for what, patterns in _UNIQUE.items():
        values = [value for pattern in patterns for value in matching(config, pattern)]
        yield from repeated(what, [value for value in values if value[1] is not None], provenance)
    for path, section in sections(config):
        yield from section.errors(path, provenance)
    yield from _table_errors(provenance.merged)
    yield from _queries_to_itself(config, provenance)
    if config.publish.listen:
        yield from _zone_names(config, provenance)
    yield from _front_without_nodes(config, provenance)


def _table_errors(merged: MergedDocument) -> Iterator[Problem]:
    """What tables lack or have too much of; not where an unknown key may be the one that lacks."""
    for path, table, section in tables(Config, merged.document):
        if table.keys() <= section.keys().keys():
            for content, expected in section.table_errors(table):
                yield merged.location(path).problem(content, expected)


def _unknown_names(provenance: Provenance) -> Iterator[Problem]:
    merged = provenance.merged
    unknown: dict[tuple[str, str], list[Location]] = {}
    for pattern, section in _REFERENCES.items():
        known = provenance.names(section)
        for path, name in matching(merged.document, pattern):
            if isinstance(name, str) and name not in known and (section, name) != _NO_GROUP:
                places = unknown.setdefault((section, name), [])
                if (place := merged.location(path)) not in places:  # else a policy inherits it
                    places.append(place)
    for (section, name), (first, *others) in unknown.items():
        known_names = merged.names(section)
        advice = did_you_mean(name, known_names)
        if others:
            also = ", ".join(map(str, others[:_MAX_PLACES]))
            also += ", ..." if len(others) > _MAX_PLACES else ""
            advice = f"{advice} It is also at {also}.".lstrip()
        yield first.problem(toml_text(name), one_of(known_names), advice)


def _no_vlan(provenance: Provenance) -> Iterator[Problem]:
    if provenance.merged.at(("vlans",)) in (None, {}):
        expected = "at least one [vlans.NAME] with prefixes and a policy"
        yield provenance.problem(("vlans",), "no VLAN", expected, "Every client would be refused.")


def _vlan_named_unknown(config: Config, provenance: Provenance) -> Iterator[Problem]:
    if _IN_NO_VLAN in config.vlans:
        advice = "The metrics and the status count the clients of no VLAN by this name."
        path = ("vlans", _IN_NO_VLAN)
        yield provenance.problem(path, toml_text(_IN_NO_VLAN), "another name", advice)


def _front_without_nodes(config: Config, provenance: Provenance) -> Iterator[Problem]:
    asked = config.front.nodes or config.server.proxy.listen
    if config.front.answers and not asked and provenance.whole(("front",)):
        expected = "nodes, or [server.proxy] listen"
        yield provenance.problem(("front",), "no nodes", expected, "dnsdist has nobody to ask.")


def _zone_names(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Zones are named after VLANs and policies; the names of zones have no case."""
    below = names.text(PUBLISHED_BELOW)
    for section, kind in (("vlans", "vlan"), ("policies", "policy")):
        first: dict[str, str] = {}
        for name in getattr(config, section):
            before = first.setdefault(name.lower(), name)
            expected = "names that differ in more than case, since [publish] names zones after them"
            if before != name:
                yield provenance.problem((section, name), toml_text(name), expected)
                continue
            try:
                names.parse(f"{_LONGEST_RULE}.{name}.{kind}.{below}")
            except names.InvalidName as error:
                expected = "a name that can be that of a zone of [publish]"
                advice = f"In the name of a rule of this zone, {error}."
                yield provenance.problem((section, name), toml_text(name), expected, advice)


def _queries_to_itself(config: Config, provenance: Provenance) -> Iterator[Problem]:
    here: tuple[Path, ...] = (
        *(("server", "listen"), ("server", "redirected"), ("server", "tls", "listen")),
    )
    listening = [
        listener
        for path in here
        if provenance.whole(path)
        for listener in matching(config, (*path, ANY))
    ]
    for path, server in (value for pattern in _NAME_SERVERS for value in matching(config, pattern)):
        for at, endpoint in listening:
            if _reaches(server, endpoint):
                advice = f"This resolver itself listens there: {provenance.location(at)}."
                yield provenance.problem(
                    path, toml_text(str(server)), "another name server", advice
                )
                break


def _reaches(server: object, listening: object) -> bool:
    """Whether a query to the server comes back; a wildcard takes loopback addresses too."""
    if isinstance(server, ConfiguredServer) and server.kind == "address":
        server = SocketAddress(ip_address(server.host), server.port)
    if not isinstance(server, SocketAddress) or not isinstance(listening, SocketAddress):
        return False
    if server.port != listening.port:
        return False
    to, here = server.address, listening.address
    if to.is_unspecified:
        to = _LOOPBACK[to.version]
    return to == here or (here.is_unspecified and to.is_loopback and to.version == here.version)
