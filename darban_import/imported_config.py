"""The text of a new config with the settings of another resolver, as ``darban init`` writes it.

What must stay true: every value of the old settings is quoted as TOML, or is part of a comment
without line breaks, so that none can add a key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from darban_import.imported_expectations import Expectations, ImportedVlan
from darban_import.old_setup import OldDuring, OldPolicy, OldSetup, by_policy, unique
from resolver.config.first_config import (
    NewConfig,
    array,
    key,
    quoted,
    schema_comment,
)

_OPEN: Final = "open"
_LONGEST_COMMENT = 300
_CATEGORY = "imported"


@dataclass(frozen=True, slots=True)
class ImportedConfig:
    """The old settings, and what the command line says besides."""

    old: OldSetup
    given: NewConfig
    """Its VLANs are for clients that the old settings do not list."""
    services: Mapping[str, str]
    """The services that there are, each with one of its names."""


def text_of_imported(config: ImportedConfig) -> str:
    """The text of the config; it ends with a line feed."""
    return "\n".join(_parts(config))


def comment(text: str) -> str:
    """A text as a line of a comment, or of a terminal."""
    clean = "".join(character if character.isprintable() else "�" for character in text)
    return clean if len(clean) <= _LONGEST_COMMENT else clean[: _LONGEST_COMMENT - 1] + "…"


def _parts(config: ImportedConfig) -> Iterator[str]:
    old, vlans = config.old, _vlans(config)
    policies, groups = by_policy(old.clients, old.default), _groups(old)
    yield _head(config)
    yield _server(config)
    yield from _zones(old)
    yield from _lists(config)
    yield from _hours(old)
    yield "\n# ---- The policies: what is blocked, as before ----\n"
    used = {vlan.policy for vlan in vlans}
    for policy, name in policies.items():
        if policy in used:
            yield from _policy(name, policy, groups.get(policy.upstream, ""), config.given)
    if None in used:
        yield f"[policies.{_OPEN}]             # nothing is blocked\nblock = []\n"
    yield "\n# ---- The VLANs: which clients have which policy. Others are refused ----\n"
    for vlan in vlans:
        name = _OPEN if vlan.policy is None else policies[vlan.policy]
        yield (
            f"[vlans.{key(vlan.name)}]\nprefixes = {array(map(str, vlan.prefixes))}\n"
            f"policy = {quoted(name)}\n"
        )
    yield "\n# ---- What must hold, as before: every check, start and reload tests these ----\n"
    yield from Expectations(old, config.services, audit=config.given.audit).of_vlans(vlans)


def _vlans(config: ImportedConfig) -> list[ImportedVlan]:
    """The VLANs of the command line, then those of the old clients; each name is there once."""
    old = config.old
    vlans = {
        vlan.name: ImportedVlan(vlan.name, vlan.prefixes, None if vlan.is_open else old.default)
        for vlan in config.given.vlans
    }
    for clients in old.clients:
        name = unique(clients.name, vlans)
        vlans[name] = ImportedVlan(name, clients.prefixes, clients.policy)
    return list(vlans.values())


def _head(config: ImportedConfig) -> str:
    old = config.old
    notes = ["What came over:", *old.came, "", "What is left, and what follows:", *old.all_left]
    lines = "\n".join(f"# {comment(note)}".rstrip() for note in notes)
    return f"""\
{schema_comment(config.given)}
# Darban's configuration. Written by `darban init` from the settings of {old.program}.
#
{lines}
#
# To block messengers by a directive, add "@messenger" to `block` of a policy, and the directive:
# `darban init` without --from-... writes both. After a change: `darban check`, `darban reload`.
"""


def _server(config: ImportedConfig) -> str:
    upstream = config.given.upstream or config.old.upstream or ["system"]
    bootstrap = config.old.bootstrap
    of_bootstrap = f"bootstrap = {array(bootstrap)}\n" if bootstrap else ""
    return f"""\
[server]
listen = {array(config.given.listen)}

[upstream]
servers = {array(upstream)}
{of_bootstrap}"""


def _zones(old: OldSetup) -> Iterator[str]:
    """Zones with servers of their own, local names, and the servers of some clients."""
    for zone, servers in old.forward.items():
        yield f"[[forward]]\nzones = {array([zone])}\nservers = {array(dict.fromkeys(servers))}\n"
    for name, records in old.local.items():
        yield f"[[local]]\nname = {quoted(name)}\nrecords = {array(records)}\n"
    for group, name in _groups(old).items():
        yield f"[upstreams.{name}]\nservers = {array(group)}\n"


def _groups(old: OldSetup) -> dict[tuple[str, ...], str]:
    """The names of the groups of servers that some clients have."""
    server_groups = dict.fromkeys(
        clients.policy.upstream for clients in old.clients if clients.policy.upstream
    )
    return {servers: f"imported-{number}" for number, servers in enumerate(server_groups, 1)}


def _lists(config: ImportedConfig) -> Iterator[str]:
    yield f"[lists]\ndirectories = {array(config.given.lists)}\n"
    for name, source in config.old.lists.items():
        place = "file" if source.is_file else "url"
        yield (
            f"[lists.sources.{name}]       # {comment(source.about)}\n"
            f"{place} = {quoted(source.location)}\nformat = {quoted(source.format)}\n"
            f'category = "{_CATEGORY}"\n'
        )


def _hours(old: OldSetup) -> Iterator[str]:
    for name, hours in old.hours.items():
        yield (
            f"[hours.{name}]\ndays = {array(hours.days)}\nfrom = {quoted(hours.start)}\n"
            f"to = {quoted(hours.end)}\ntime_zone = {quoted(hours.time_zone)}\n"
        )


def _policy(name: str, policy: OldPolicy, group: str, given: NewConfig) -> Iterator[str]:
    yield f"[policies.{key(name)}]"
    yield f"block = {_lines((*policy.services, *policy.lists))}"
    yield f"allow = {_lines(policy.allow)}"
    yield f"deny = {_lines(policy.deny)}"
    if policy.during:
        yield f"during = [\n{''.join(map(_during, policy.during))}]"
    if group:
        yield f"upstream = {quoted(group)}"
    if policy.answer:
        yield f"answer = {quoted(policy.answer)}"
    if given.audit or not policy.enforced:
        yield 'mode = "audit"'
    if given.contact:
        yield f"contact = {quoted(given.contact)}"
    yield ""


def _during(during: OldDuring) -> str:
    when = "outside" if during.outside else "hours"
    return f"  {{ {when} = {quoted(during.hours)}, block = {array(during.services)} }},\n"


def _lines(values: Sequence[str]) -> str:
    """An array, with a line for each value where there are many."""
    if len(values) <= 3:
        return array(values)
    return "[\n" + "".join(f"  {quoted(value)},\n" for value in values) + "]"
