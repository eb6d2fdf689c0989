"""What must not be, seen across the sections: unknown names, repetitions, a loop to itself.

The checks see the config that could be understood, or, where text is enough, the
merged document. A name counts as known if any file defines it, even where the definition was not
understood; while a file could not be read, no name counts as unknown.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from resolver.config.model import Config
from resolver.config.problems import Problem, did_you_mean, one_of, toml_text
from resolver.config.provenance import ANY, MergedDocument, Provenance
from resolver.config.toml_lines import Path
from resolver.config.values import NameServer, SocketAddress
from resolver.dns import names

Named = Iterable[tuple[str, Path]]
"""What may be named once, with its path in the config."""

_REFERENCES = {
    ("vlans", ANY, "policy"): "policies",
    ("policies", ANY, "directives", ANY): "directives",
    ("directives", ANY, "narrows"): "directives",
    ("policies", ANY, "upstream"): "upstreams",
    ("exemptions", ANY, "vlan"): "vlans",
}
"""The values that name an entry of a section."""

_NO_GROUP = ("upstreams", "")
"""A policy's way to say [upstream]."""


def check(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Every error that takes more than one value to see."""
    if provenance.merged.complete:
        yield from _unknown_names(provenance.merged)
        yield from _no_vlan(provenance)
    yield from _repetitions(config, provenance)
    yield from _narrowing_in_a_circle(provenance.merged)
    yield from _sinkholes(config, provenance)
    yield from _whom_exemptions_are_for(provenance.merged)
    yield from _sources_of_lists(provenance.merged)
    yield from _asking_itself(config, provenance)


def _unknown_names(merged: MergedDocument) -> Iterator[Problem]:
    for pattern, section in _REFERENCES.items():
        known = merged.names(section)
        for path, name in merged.matching(pattern):
            if isinstance(name, str) and name not in known and (section, name) != _NO_GROUP:
                advice = did_you_mean(name, known)
                yield merged.source(path).problem(toml_text(name), one_of(known), advice)


def _no_vlan(provenance: Provenance) -> Iterator[Problem]:
    if provenance.merged.at(("vlans",)) in (None, {}):
        expected = "at least one [vlans.NAME] with prefixes and a policy"
        yield provenance.problem(("vlans",), "no VLAN", expected, "Every client would be refused.")


def _repetitions(config: Config, provenance: Provenance) -> Iterator[Problem]:
    yield from _repeated("prefix", _prefixes(config), provenance)
    yield from _repeated("address and port", _listening(config), provenance)
    yield from _repeated("exemption id", _exemption_ids(config), provenance)
    yield from _repeated("zone", _zones(config), provenance)
    yield from _repeated("local name", _local_names(config), provenance)
    for name in config.policies:
        yield from _repeated("name", _allowed_and_denied(config, name), provenance)


def _repeated(what: str, named: Named, provenance: Provenance) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for name, path in named:
        before = first.setdefault(name, path)
        if before != path:
            advice = f"It stands at {provenance.source(before)} as well."
            yield provenance.problem(path, toml_text(name), f"each {what} once", advice)


def _prefixes(config: Config) -> Named:
    for name, vlan in config.vlans.items():
        for index, prefix in enumerate(vlan.prefixes):
            yield str(prefix), ("vlans", name, "prefixes", index)


def _listening(config: Config) -> Named:
    """The pages come first, so that a clash is told where the DNS listens."""
    yield str(config.metrics.listen), ("metrics", "listen")
    for index, endpoint in enumerate(config.block_page.listen):
        yield str(endpoint), ("block_page", "listen", index)
    for index, endpoint in enumerate(config.server.listen):
        yield str(endpoint), ("server", "listen", index)


def _exemption_ids(config: Config) -> Named:
    for index, exemption in enumerate(config.exemptions):
        yield exemption.id, ("exemptions", index, "id")


def _zones(config: Config) -> Named:
    for index, forward in enumerate(config.forward):
        for position, zone in enumerate(forward.zones):
            yield names.text(zone), ("forward", index, "zones", position)


def _local_names(config: Config) -> Named:
    for index, local in enumerate(config.local):
        yield names.text(local.name), ("local", index, "name")


def _allowed_and_denied(config: Config, policy: str) -> Named:
    """The entries of both, each once: a repetition within one of them does no harm."""
    section = config.policies[policy]
    for key, entries in (("allow", section.allow), ("deny", section.deny)):
        first: dict[str, int] = {}
        for index, entry in enumerate(entries):
            first.setdefault(_plain(entry), index)
        for entry, index in first.items():
            yield entry, ("policies", policy, key, index)


def _plain(entry: str) -> str:
    """An entry as compared: these may be rules, which a later layer reads."""
    try:
        return names.text(names.parse(entry))
    except names.InvalidName:
        return entry.lower()


def _narrowing_in_a_circle(merged: MergedDocument) -> Iterator[Problem]:
    for name in merged.names("directives"):
        if name in _narrowed(merged, name):
            expected = "a directive that does not narrow this one in turn"
            source = merged.source(("directives", name, "narrows"))
            yield source.problem(toml_text(merged.at(("directives", name, "narrows"))), expected)


def _narrowed(merged: MergedDocument, name: str) -> list[str]:
    """The directives that one narrows, directly and through others."""
    found: list[str] = []
    above = merged.at(("directives", name, "narrows"))
    while isinstance(above, str) and above not in found:
        found.append(above)
        above = merged.at(("directives", above, "narrows"))
    return found


def _sinkholes(config: Config, provenance: Provenance) -> Iterator[Problem]:
    for name, policy in config.policies.items():
        families = [address.version for address in policy.sinkhole]
        for index, family in enumerate(families):
            if family in families[:index]:
                path = ("policies", name, "sinkhole", index)
                found = toml_text(str(policy.sinkhole[index]))
                yield provenance.problem(path, found, f"one IPv{family} address at most")


def _whom_exemptions_are_for(merged: MergedDocument) -> Iterator[Problem]:
    for path, exemption in merged.matching(("exemptions", ANY)):
        if isinstance(exemption, dict):
            for_prefixes = exemption.get("prefixes", []) != []
            if for_prefixes == ("vlan" in exemption):
                found = "both prefixes and vlan" if for_prefixes else "neither prefixes nor vlan"
                expected = "one of the two, to say whom it is for"
                yield merged.source(path).problem(found, expected)


def _sources_of_lists(merged: MergedDocument) -> Iterator[Problem]:
    """Each has one place where it comes from, and one thing that it is for."""
    for path, source in merged.matching(("lists", "sources", ANY)):
        if isinstance(source, dict):
            for one, other in (("url", "file"), ("service", "category")):
                if (one in source) == (other in source):
                    found = f"both {one} and {other}" if one in source else f"no {one} or {other}"
                    yield merged.source(path).problem(found, "one of the two")


def _asking_itself(config: Config, provenance: Provenance) -> Iterator[Problem]:
    listening = config.server.listen if provenance.whole(("server", "listen")) else ()
    for server, path in _asked(config):
        for index, endpoint in enumerate(listening):
            if _reaches(server, endpoint):
                source = provenance.source(("server", "listen", index))
                expected = "another name server"
                advice = f"This resolver itself listens there: {source}."
                yield provenance.problem(path, toml_text(str(server)), expected, advice)
                break


def _asked(config: Config) -> Iterator[tuple[SocketAddress, Path]]:
    for index, endpoint in enumerate(config.upstream.bootstrap):
        yield endpoint, ("upstream", "bootstrap", index)
    for around, servers in _server_lists(config):
        for index, server in enumerate(servers):
            if server.kind == "address":
                yield SocketAddress(server.host, server.port), (*around, "servers", index)


def _server_lists(config: Config) -> Iterator[tuple[Path, tuple[NameServer, ...]]]:
    yield ("upstream",), config.upstream.servers
    for name, group in config.upstreams.items():
        yield ("upstreams", name), group.servers
    for index, forward in enumerate(config.forward):
        yield ("forward", index), forward.servers


def _reaches(server: SocketAddress, listening: SocketAddress) -> bool:
    """Whether a question to the server comes back; a wildcard takes loopback addresses too."""
    if server.port != listening.port:
        return False
    to, here = ip_address(server.address), ip_address(listening.address)
    local = to.is_loopback or to.is_unspecified
    return to == here or (here.is_unspecified and local and to.version == here.version)
