"""What changes from one snapshot to another: what is added, gone, or changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from resolver.analysis.rules import ListChange, compare_rules
from resolver.analysis.summary import SERVICES, Fact, Facts, Section, Value, summarize
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.system.time_zones import zone_or_utc

How = Literal["added", "gone", "changed"]
EXPECTATIONS = "expectations"


class Detail(NamedTuple):
    """One changed fact: another value, or members that are gone and added."""

    key: str
    old: Value = None
    new: Value = None
    gone: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The object to print."""
        if self.gone or self.added:
            return {"key": self.key, "gone": self.gone, "added": self.added}
        return {"key": self.key, "old": self.old, "new": self.new}


class Change(NamedTuple):
    """A VLAN, policy, service, ... that is added, gone or changed."""

    section: str
    name: str
    how: How
    details: tuple[Detail, ...]

    def as_json(self) -> dict[str, object]:
        """The object to print."""
        details = [detail.as_json() for detail in self.details]
        return {"section": self.section, "name": self.name, "how": self.how, "details": details}


@dataclass(frozen=True, slots=True)
class ComparedPolicy:
    """One of the two policies that are compared."""

    name: str
    """Its config, or ``in force``."""
    compiled: CompiledConfig
    index: Index
    only_in_text: Mapping[str, Section] | None
    """What no snapshot holds of the config, by section; None, and not compared, where its text is
    not known."""


def compare(old: ComparedPolicy, new: ComparedPolicy) -> list[Change]:
    """Every change, section by section, by name."""
    zone = zone_or_utc(new.compiled.settings.report.time_zone)
    before, after = summarize(old.compiled, zone), summarize(new.compiled, zone)
    if old.only_in_text is not None and new.only_in_text is not None:
        for section in old.only_in_text:
            before[section] = {**before.get(section, {}), **old.only_in_text[section]}
            after[section] = {**after.get(section, {}), **new.only_in_text[section]}
    lists = compare_rules((old.compiled, old.index), (new.compiled, new.index)).lists
    changes: list[Change] = []
    for section in before:
        rules = _by_service(lists) if section == SERVICES else {}
        changes += _changes(section, before[section], after[section], rules)
    return changes


def _by_service(lists: list[ListChange]) -> dict[str, list[Detail]]:
    by_service: dict[str, list[Detail]] = {}
    for change in lists:
        detail = Detail(f"rules of {change.file}", gone=change.gone, added=change.added)
        by_service.setdefault(change.service, []).append(detail)
    return by_service


def _changes(
    section: str, old: Section, new: Section, more: Mapping[str, list[Detail]]
) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        how: How = "added" if name not in old else "gone" if name not in new else "changed"
        details = [*_details(old.get(name, {}), new.get(name, {})), *more.get(name, ())]
        if details or how != "changed":
            yield Change(section, name, how, tuple(details))


def _details(old: Facts, new: Facts) -> Iterator[Detail]:
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, frozenset) or isinstance(after, frozenset):
            gone, added = _members(before) - _members(after), _members(after) - _members(before)
            if gone or added:
                yield Detail(key, gone=tuple(sorted(gone)), added=tuple(sorted(added)))
        elif before or after:
            yield Detail(key, before, after)


def _members(fact: Fact) -> frozenset[str]:
    return fact if isinstance(fact, frozenset) else frozenset()
