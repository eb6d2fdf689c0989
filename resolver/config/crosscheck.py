"""Errors that take more than one value to see: unknown names, repetitions, a loop to itself.

The checks see the values that were understood, or the merged document where text is enough.
A name counts as known if any file defines it, even if its definition is wrong. While a file
cannot be read, no name counts as unknown. A name in a table that is no section counts as known
too, since the table's name may be a misspelled section's. A name that is unknown in several places
is one problem, since one wrong definition may be the cause.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv6Network, ip_address
from typing import Final

from resolver.config import front, tls_model, upstream
from resolver.config.model import (
    Config,
    DuringConfig,
    ExemptionConfig,
    ExpectationConfig,
    ListSourceConfig,
)
from resolver.config.network_values import NameServer, SocketAddress
from resolver.config.problems import Problem, did_you_mean, one_of, toml_text
from resolver.config.provenance import ANY, Location, MergedDocument, Provenance, matching
from resolver.config.section import ConfigSection
from resolver.config.toml_lines import Path
from resolver.config.values import Address
from resolver.dns import names

_REFERENCES = {
    ("vlans", ANY, "policy"): "policies",
    ("policies", ANY, "directives", ANY): "directives",
    ("directives", ANY, "narrows"): "directives",
    ("policies", ANY, "upstream"): "upstreams",
    ("exemptions", ANY, "vlan"): "vlans",
    ("exemptions", ANY, "hours"): "hours",
    ("policies", ANY, "during", ANY, "hours"): "hours",
    ("policies", ANY, "during", ANY, "outside"): "hours",
    ("expect", ANY, "hours"): "hours",
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
        *(("front", each, ANY) for each in ("dns", "dot", "doh")),
    ),
    "interface": (("vlans", ANY, "interface"),),
    "exemption id": (("exemptions", ANY, "id"),),
    "zone": (("forward", ANY, "zones", ANY),),
    "local name": (("local", ANY, "name"),),
}

_OF_SOURCE = (("url", "file"), ("service", "category"))
"""A list comes from one place, and is for one service or category."""

_NAME_SERVERS: tuple[Path, ...] = (
    ("upstream", "bootstrap", ANY),
    ("upstream", "servers", ANY),
    ("upstream", "fallback", ANY),
    ("upstreams", ANY, "servers", ANY),
    ("forward", ANY, "servers", ANY),
)


def check(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Every error that takes more than one value to see."""
    if provenance.merged.complete:
        yield from _unknown_names(provenance)
        if not provenance.unknown:
            yield from _no_vlan(provenance)
    yield from _vlan_named_unknown(config, provenance)
    for what, patterns in _UNIQUE.items():
        values = [each for pattern in patterns for each in matching(config, pattern)]
        yield from _repeated(what, [each for each in values if each[1] is not None], provenance)
    for name in config.policies:
        yield from _repeated("name", _allowed_and_denied(config, name), provenance)
    yield from _below_blocked_names(config, provenance)
    yield from _empty_during(config, provenance)
    yield from _sinkholes(config, provenance)
    yield from _sources(config, provenance)
    yield from _link_local_prefixes(config, provenance)
    yield from _exempted_clients(provenance.merged)
    yield from _one_of(provenance.merged, ("lists", "sources", ANY), ListSourceConfig, _OF_SOURCE)
    during = ("policies", ANY, "during", ANY)
    yield from _one_of(provenance.merged, during, DuringConfig, (("hours", "outside"),))
    yield from _one_of(
        provenance.merged, ("expect", ANY), ExpectationConfig, (("at", "hours"),), required=False
    )
    yield from upstream.check(config, provenance)
    yield from _queries_to_itself(config, provenance)
    if config.policy_source.repository and not config.policy_source.allowed_signers:
        expected = "the file of the SSH keys whose signatures are accepted"
        if provenance.whole(("policy_source", "allowed_signers")):
            yield provenance.problem(("policy_source",), "no allowed_signers", expected)
    if config.publish.listen:
        yield from _zone_names(config, provenance)
    yield from front.check(config, provenance)
    yield from tls_model.check(config.server.tls, provenance)


def _unknown_names(provenance: Provenance) -> Iterator[Problem]:
    merged = provenance.merged
    unknown: dict[tuple[str, str], list[Location]] = {}
    for pattern, section in _REFERENCES.items():
        known = provenance.names(section)
        for path, name in matching(merged.document, pattern):
            if isinstance(name, str) and name not in known and (section, name) != _NO_GROUP:
                unknown.setdefault((section, name), []).append(merged.location(path))
    for (section, name), (first, *others) in unknown.items():
        known_names = merged.names(section)
        advice = did_you_mean(name, known_names)
        if others:
            also = ", ".join(map(str, others[:_MAX_PLACES])) + ", ..." * (len(others) > _MAX_PLACES)
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


def _repeated(
    what: str, values: Iterable[tuple[Path, object]], provenance: Provenance
) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for path, value in values:
        text = names.text(value) if isinstance(value, bytes) else str(value)
        before = first.setdefault(text, path)
        if before != path:
            advice = f"It is also at {provenance.location(before)}."
            yield provenance.problem(path, toml_text(text), f"each {what} once", advice)


def _allowed_and_denied(config: Config, policy: str) -> Iterator[tuple[Path, object]]:
    """The entries of both, each once: a repetition within one of them does no harm."""
    for key in ("allow", "deny"):
        found = matching(config, ("policies", policy, key, ANY))
        first = {_plain(str(entry)): path for path, entry in reversed(found)}
        yield from ((path, entry) for entry, path in reversed(first.items()))


def _plain(entry: str) -> str:
    """An entry in the form to compare; it may be a rule, which the compiler reads."""
    try:
        return names.text(names.parse(entry))
    except names.InvalidName:
        return entry.lower()


def _below_blocked_names(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Where the default blocks, what passes at some hours or with a count is below blocked names.

    NXDOMAIN for these says that no name exists below them (RFC 8020).
    """
    for name, policy in config.policies.items():
        if policy.default != "block":
            continue
        path = ("policies", name)
        if policy.during:
            advice = "All services that 'allow' does not have are blocked at all hours."
            expected = 'none where default is "block"'
            yield provenance.problem((*path, "during"), "hours", expected, advice)
        if policy.count:
            advice = "To count services, take default = \"count\", or name them in 'allow'."
            expected = 'none where default is "block"'
            yield provenance.problem((*path, "count"), "services to count", expected, advice)


def _empty_during(config: Config, provenance: Provenance) -> Iterator[Problem]:
    for name, policy in config.policies.items():
        for place, each in enumerate(policy.during):
            path = ("policies", name, "during", place)
            if not (each.block or each.count) and provenance.whole(path):
                expected = "services in 'block' or in 'count'"
                yield provenance.problem(path, "hours without services", expected)


def _sinkholes(config: Config, provenance: Provenance) -> Iterator[Problem]:
    for name, policy in config.policies.items():
        yield from _one_of_each_family(("policies", name, "sinkhole"), policy.sinkhole, provenance)


def _one_of_each_family(
    path: Path, addresses: Sequence[Address], provenance: Provenance
) -> Iterator[Problem]:
    families = [address.version for address in addresses]
    for index, family in enumerate(families):
        if family in families[:index]:
            found = toml_text(str(addresses[index]))
            yield provenance.problem((*path, index), found, f"one IPv{family} address at most")


def _link_local_prefixes(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Every link has these addresses, so that they say nothing about the VLAN."""
    for section, instead in (("vlans", "interface"), ("exemptions", "vlan")):
        for path, prefix in matching(config, (section, ANY, "prefixes", ANY)):
            if isinstance(prefix, IPv6Network) and prefix.is_link_local:
                advice = f"Every link has link-local addresses. Name the {instead} instead."
                found, expected = toml_text(str(prefix)), "a prefix of one network"
                yield provenance.problem(path, found, expected, advice)


def _sources(config: Config, provenance: Provenance) -> Iterator[Problem]:
    for path, group in config.groups():
        yield from _one_of_each_family((*path, "source"), group.source, provenance)


def _exempted_clients(merged: MergedDocument) -> Iterator[Problem]:
    for path, exemption in matching(merged.document, ("exemptions", ANY)):
        if isinstance(exemption, dict) and exemption.keys() <= ExemptionConfig.keys().keys():
            has_prefixes = exemption.get("prefixes", []) != []
            if has_prefixes == ("vlan" in exemption):
                found = "both prefixes and vlan" if has_prefixes else "neither prefixes nor vlan"
                expected = "one of the two, to say whom it is for"
                yield merged.location(path).problem(found, expected)


def _one_of(
    merged: MergedDocument,
    pattern: Path,
    section: type[ConfigSection],
    pairs: Iterable[tuple[str, str]],
    *,
    required: bool = True,
) -> Iterator[Problem]:
    """Of each pair of keys, a table has one; where none is required, at most one."""
    for path, table in matching(merged.document, pattern):
        if isinstance(table, dict) and table.keys() <= section.keys().keys():
            for one, other in pairs:
                if one in table and other in table:
                    found = f"both {one} and {other}"
                elif required and one not in table and other not in table:
                    found = f"no {one} or {other}"
                else:
                    continue
                yield merged.location(path).problem(found, "one of the two")


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
    here: tuple[Path, ...] = (("server", "listen"), ("server", "tls", "listen"))
    listening = [
        each for path in here if provenance.whole(path) for each in matching(config, (*path, ANY))
    ]
    for path, server in (each for pattern in _NAME_SERVERS for each in matching(config, pattern)):
        for at, endpoint in listening:
            if _reaches(server, endpoint):
                advice = f"This resolver itself listens there: {provenance.location(at)}."
                yield provenance.problem(
                    path, toml_text(str(server)), "another name server", advice
                )
                break


def _reaches(server: object, listening: object) -> bool:
    """Whether a query to the server comes back; a wildcard takes loopback addresses too."""
    if isinstance(server, NameServer) and server.kind == "address":
        server = SocketAddress(ip_address(server.host), server.port)
    if not isinstance(server, SocketAddress) or not isinstance(listening, SocketAddress):
        return False
    if server.port != listening.port:
        return False
    to, here = server.address, listening.address
    if to.is_unspecified:
        to = _LOOPBACK[to.version]
    return to == here or (here.is_unspecified and to.is_loopback and to.version == here.version)
