"""What each field of a compiled config decides for a query: the table that all comparisons read.

Several parts of the program compare policies, each for another purpose. The policy hash finds two
servers that block the same. ``diff`` compares what names get, without exemptions. A zone for other
resolvers depends on what is in force now, and on no ground. So each of them takes the fields of
some facets (``deciding``), and none has a list of fields of its own.

A field that holds other values decides what their fields decide (``_follows``). The others have a
row in ``_WRITTEN``.

What must stay true: each field of ``CompiledConfig``, of the values in it and of ``Settings`` has a
row (``tests/laws/test_facets.py``).
"""

import dataclasses
import enum
import functools
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, get_args, get_type_hints

from resolver.policy.compiled import CompiledConfig


class Facet(enum.Flag):
    """What a field decides."""

    NAMES = enum.auto()
    """Which names and addresses pass, are blocked or are counted."""
    REPLY = enum.auto()
    """How a blocked query is answered."""
    REASON = enum.auto()
    """The ground of a block: a directive, or the agency's own policy."""
    TEXT = enum.auto()
    """What people read about a block: names, titles, a contact."""
    CLIENTS = enum.auto()
    WHEN = enum.auto()
    UPSTREAM = enum.auto()
    """Which servers are asked, and what is withheld of their answers."""


class Absent(enum.Enum):
    """What a field has instead of a value that stands for its absence."""

    NEVER = enum.auto()
    """Each release with this version of the policy hash has the field."""


class Row(NamedTuple):
    """What a field decides."""

    facets: Facet
    not_compared: str = ""
    """Why two servers with the same policy may differ in it; also where it decides nothing."""
    absent: object = Absent.NEVER
    """The value, as JSON has it, with which the policy hash is that of a release without the field.
    It is written once and never changes, whatever default the field gets later."""


_N, _R, _G, _T = Facet.NAMES, Facet.REPLY, Facet.REASON, Facet.TEXT
_C, _W, _U, _NOTHING = Facet.CLIENTS, Facet.WHEN, Facet.UPSTREAM, Facet(0)
ALL: Final = ~_NOTHING

_DERIVED: Final = "it follows from what counts"
_PEOPLE: Final = "only people read it"
_SERVER: Final = "each server has its own"
_LISTS: Final = "it decides which rules are used, and these count"
_FILTER: Final = "they say who has answered, and block nothing"
_OWN_NAMES: Final = (
    "each server has its own; the names count where a default blocks "
    "(``policy_hash._names_of_network``)"
)

_WRITTEN: Final[Mapping[str, Row]] = {
    "Service.name": Row(_N | _T),
    "Service.category": Row(_T),
    "Service.title": Row(_T),
    "Service.persian": Row(_T),
    "Service.always_nxdomain": Row(_R),
    "Service.entries": Row(_NOTHING, _DERIVED),
    "Service.reviewed": Row(_NOTHING, _PEOPLE),
    "ListSource.file": Row(_N | _T, _SERVER),
    "ListSource.service": Row(_N),
    "ListSource.name": Row(_NOTHING, "only metrics have it"),
    "ListSource.entries": Row(_NOTHING, _DERIVED),
    "ListSource.fallback": Row(_NOTHING, "the rules of the copy count"),
    "ListSource.longest_match": Row(_N),
    "ListSource.refused": Row(_NOTHING, "these rules are not used"),
    "ListSource.of_others": Row(_N, _LISTS),
    "ListSource.rules": Row(_N),
    "Ground.directive": Row(_G),
    "Ground.text": Row(_G),
    "Directive.number": Row(_G),
    "Directive.date": Row(_G),
    "Directive.narrows": Row(_G),
    "Hours.name": Row(_NOTHING, _PEOPLE),
    "Hours.days": Row(_W),
    "Hours.begin": Row(_W),
    "Hours.end": Row(_W),
    "Hours.time_zone": Row(_W),
    "Hours.holidays": Row(_W),
    "Hours.moments": Row(_W, _DERIVED),
    "OwnRule.name": Row(_N),
    "OwnRule.subtree": Row(_N),
    "OwnRule.does": Row(_N),
    "OwnRule.text": Row(_NOTHING, "one rule can be written in several ways"),
    "HoursCondition.hours": Row(_W),
    "HoursCondition.outside": Row(_W),
    "PolicyRules.vlan": Row(_C),
    "Services.services": Row(_N),
    "Services.does": Row(_N),
    "DefaultRule.does": Row(_N),
    "Policy.name": Row(_T),
    "Policy.clauses": Row(_N | _G | _C | _W),
    "Policy.answer": Row(_R),
    "Policy.sinkhole_v4": Row(_R),
    "Policy.sinkhole_v6": Row(_R),
    "Policy.grounds_by_service": Row(_G),
    "Policy.contact": Row(_T),
    "Policy.upstream": Row(_U, _SERVER),
    "Policy.title": Row(_NOTHING, _PEOPLE),
    "Vlan.name": Row(_C),
    "Vlan.id": Row(_NOTHING, _PEOPLE),
    "Vlan.policy": Row(_C),
    "Vlan.queries_per_address": Row(_NOTHING, "a limit is no policy"),
    "Vlan.interface": Row(_C),
    "Vlan.title": Row(_NOTHING, _PEOPLE),
    "Prefix.network": Row(_C),
    "Prefix.length": Row(_C),
    "Prefix.owner": Row(_C),
    "AddressRange.network": Row(_N),
    "AddressRange.length": Row(_N),
    "AddressRange.source": Row(_N),
    "AddressRange.line": Row(_NOTHING, _PEOPLE),
    "Exemption.id": Row(_NOTHING, _PEOPLE),
    "Exemption.vlan": Row(_C),
    "Exemption.services": Row(_N),
    "Exemption.until": Row(_W),
    "Exemption.approver": Row(_NOTHING, _PEOPLE),
    "Exemption.ticket": Row(_NOTHING, _PEOPLE),
    "Exemption.reason": Row(_NOTHING, _PEOPLE),
    "Exemption.from_": Row(_W),
    "Exemption.hours": Row(_W),
    "Rule.name": Row(_N),
    "Rule.subtree": Row(_N),
    "Rule.exception": Row(_N),
    "Rule.line": Row(_NOTHING, _PEOPLE),
    "CompiledConfig.excepted": Row(_N, _DERIVED),
    "CompiledConfig.local": Row(_N, _OWN_NAMES),
    "CompiledConfig.forward": Row(_N | _U, _OWN_NAMES),
    "CompiledConfig.groups": Row(_U, _SERVER),
    "CompiledConfig.subscriptions": Row(_NOTHING, "the rules that they bring count"),
    "CompiledConfig.settings": Row(_NOTHING, _SERVER),
    "CompiledConfig.policy_hash": Row(_NOTHING, "it is the result"),
    "CompiledConfig.protected": Row(_N, _LISTS),
    "CompiledConfig.form": Row(_NOTHING, "it is how the rest is stored"),
    "CompiledConfig.allowed_names": Row(_N, _DERIVED),
    "CompiledConfig.expectations": Row(_NOTHING, "they test the policy, and change nothing"),
    "CompiledConfig.filter_ranges": Row(_NOTHING, _FILTER),
    "Settings.listen": Row(_C, _SERVER),
    "Settings.workers": Row(_NOTHING, _SERVER),
    "Settings.metrics": Row(_NOTHING, _SERVER),
    "Settings.block_page": Row(_R, "the sinkhole of a policy has its addresses"),
    "Settings.cache_bytes": Row(_NOTHING, _SERVER),
    "Settings.bootstrap": Row(_U, _SERVER),
    "Settings.queries_per_prefix": Row(_NOTHING, "a limit is no policy"),
    "Settings.block_log": Row(_NOTHING, "it records, and changes no reply"),
    "Settings.ca_file": Row(_NOTHING, _SERVER),
    "Settings.identity": Row(_NOTHING, _SERVER),
    "Settings.proxied": Row(_C, _SERVER),
    "Settings.proxies": Row(_C, _SERVER),
    "Settings.publish": Row(_NOTHING, "the zones have the policy, and do not change it"),
    "Settings.front": Row(_NOTHING, _SERVER),
    "Settings.policy_source": Row(_NOTHING, "what it brings counts"),
    "Settings.probe_signed": Row(_U, _SERVER),
    "Settings.probe_bogus": Row(_U, _SERVER),
    "Settings.tls": Row(_C, _SERVER),
    "Settings.report": Row(_NOTHING, _PEOPLE),
    "Settings.probe_abroad": Row(_U, _SERVER),
    "Settings.probe_home": Row(_U, _SERVER),
    "Settings.feeds": Row(_NOTHING, "they have the policy, and do not change it"),
    "Settings.redirected": Row(_C, _SERVER),
    "Settings.page_head": Row(_T, _SERVER),
    "Settings.lists_signers": Row(_NOTHING, "the lists that they sign count"),
}
"""The fields that hold no other values, and those of which there is more to say."""


def fields_of(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a class
    """The fields of a dataclass or a named tuple, with their types; none of another class."""
    has_fields = dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")
    return get_type_hints(kind) if has_fields else {}


def classes_in(hint: Any) -> Iterator[Any]:  # noqa: ANN401 - a type
    """The classes with fields that a type names."""
    if fields_of(hint):
        yield hint
    for argument in get_args(hint):
        yield from classes_in(argument)


def _follows(kind: Any, rows: dict[str, Row]) -> Facet:  # noqa: ANN401 - a class
    """What the fields of a class decide. A field that holds other values gets a row."""
    decided = Facet(0)
    for name, hint in fields_of(kind).items():
        field = f"{kind.__name__}.{name}"
        if field in rows and rows[field].not_compared:
            continue
        of_parts = [_follows(part, rows) for part in classes_in(hint)]
        if of_parts and field not in rows:
            rows[field] = Row(functools.reduce(Facet.__or__, of_parts))
        decided |= rows[field].facets if field in rows else Facet(0)
    return decided


def _all_rows() -> dict[str, Row]:
    rows = dict(_WRITTEN)
    _follows(CompiledConfig, rows)
    return rows


FIELDS: Final[Mapping[str, Row]] = _all_rows()
"""Each field, by its class."""


@functools.cache
def deciding(kind: type, facets: Facet, *, of_one_server: bool = False) -> tuple[str, ...]:
    """The fields of a dataclass that decide any of these, in its order.

    ``of_one_server`` has also those in which two servers with one policy may differ.
    """
    rows = {
        field.name: FIELDS[f"{kind.__name__}.{field.name}"] for field in dataclasses.fields(kind)
    }
    return tuple(
        name
        for name, row in rows.items()
        if row.facets & facets and (of_one_server or not row.not_compared)
    )
