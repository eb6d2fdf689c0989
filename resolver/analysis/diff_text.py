"""The text and the JSON of a comparison: changes of the policy, and of replayed queries."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from resolver.analysis.changes import Change, Detail
from resolver.analysis.name_changes import NO_HOURS, NameChange, looser_first
from resolver.analysis.queries.query import QueryCounts
from resolver.analysis.replay import OutcomeChange, Replay
from resolver.analysis.summary import SETTINGS, Value
from resolver.dns import codes, names
from resolver.system.english import count_text, some_text

_SIGNS = {"added": "+", "gone": "-", "changed": "~"}
_FEW = 5
"""Members that fit on the line itself; of more, each has its own line. So many lines are shown."""
_SHOWN = 10
_TITLES = {"vlans": "VLANs", "forward": "forwarded zones", "local": "local names"}


def changes(of_config: Iterable[Change], *, show_all: bool = False) -> Iterator[str]:
    """The changes, section by section; a sign before each: + added, - gone, ~ changed.

    ``show_all``: with all members of a value that has many.
    """
    for section, group in groupby(of_config, key=lambda change: change.section):
        yield _TITLES.get(section, section)
        for change in group:
            if section == SETTINGS:
                (value,) = change.details
                yield f"  ~ {change.name}: {_value(value.old)} → {_value(value.new)}"
                continue
            yield f"  {_SIGNS[change.how]} {change.name}"
            if change.how != "gone":
                yield from _details(change, show_all=show_all)


def _details(change: Change, *, show_all: bool) -> Iterator[str]:
    for detail in change.details:
        if detail.gone or detail.added:
            yield from _members(detail, show_all=show_all)
        else:
            old = "" if change.how == "added" else f"{_value(detail.old)} → "
            yield f"      {detail.key}: {old}{_value(detail.new)}"


def _members(detail: Detail, *, show_all: bool) -> Iterator[str]:
    key, _, _, gone, added = detail
    signed = [*(f"- {member}" for member in gone), *(f"+ {member}" for member in added)]
    if len(signed) <= _FEW:
        yield f"      {key}: {', '.join(signed)}"
        return
    counts = [
        f"{len(members):,} {what}" for members, what in ((gone, "gone"), (added, "new")) if members
    ]
    yield f"      {key}: {', '.join(counts)}"
    for members, sign in ((gone, "-"), (added, "+")):
        shown = members if show_all else members[:_FEW]
        yield from (f"        {sign} {member}" for member in shown)
        if len(members) > len(shown):
            yield f"        {sign} ... and {len(members) - len(shown):,} more (--all)"


def _value(value: Value) -> str:
    return "none" if value in (None, "") else f"{value}"


def headline(
    old: str, new: str, number: int, of_names: Sequence[NameChange], moved: Sequence[str]
) -> str:
    """A comparison in one line: how many changes, and whether all names get the same."""
    changes = count_text(number, "change") if number else "no change"
    names_of = f"; all names: {_total(of_names, moved)}" if number or of_names else ""
    return f"from {old} to {new}: {changes}{names_of}"


def name_changes(
    of_names: Sequence[NameChange], moved: Sequence[str], *, show_all: bool = False
) -> Iterator[str]:
    """What changes for all names, what opens first; ``moved`` are prefixes not compared.

    Many services that change alike, as where a policy goes to audit or is enforced after it, have
    one line, which names them all. ``show_all``: a line and examples for each service.
    """
    yield f"all names: {_total(of_names, moved)}"
    alike = defaultdict(list)
    for change in sorted(of_names, key=looser_first):
        alike[_alike(change)].append(change)
    for same in alike.values():
        if len(same) > _FEW and not show_all:
            yield f"  {_HOW[same[0].how]} {_of_services(same)} (--all: examples)"
            yield f"      {', '.join(f'{change.service} {change.classes:,}' for change in same)}"
            continue
        for change in same:
            yield f"  {_HOW[change.how]} {_of_name_change(change)}"
            yield f"      {_examples(change)}"


def _alike(change: NameChange) -> tuple[object, ...]:
    """What changes of one line have in common. What is of no service has its own."""
    if not change.service:
        return (change,)
    return change.how, change.vlans, change.hours, change.old, change.new


def markdown(
    of_config: Sequence[Change],
    of_names: Sequence[NameChange],
    moved: Sequence[str],
    *,
    show_all: bool = False,
) -> Iterator[str]:
    """Both as Markdown, for a merge request."""
    yield f"**All names: {_total(of_names, moved)}.**"
    if of_names:
        yield from ("", "| | on | names | for example |", "|---|---|---|---|")
    for changed in sorted(of_names, key=looser_first):
        names_of = count_text(changed.classes, "class", "classes")
        service = f" ({changed.service})" if changed.service else ""
        change = f"{changed.how}: {changed.old} → {changed.new}{service}"
        where = f"{', '.join(changed.vlans)}{hours_text(changed.hours)}"
        yield f"| {change} | {where} | {names_of} | {_examples(changed)} |"
    yield from ("", "```diff", *changes(of_config, show_all=show_all), "```")


def _total(of_names: Iterable[NameChange], moved: Sequence[str]) -> str:
    prefixes = ", ".join(moved[:_SHOWN]) + (", ..." if len(moved) > _SHOWN else "")
    others = f"; not compared for {prefixes}, whose VLAN is another" if moved else ""
    return _changed(of_names) + others


def _changed(of_names: Iterable[NameChange]) -> str:
    counts: Counter[str] = Counter()
    for change in of_names:
        counts[change.how] = max(counts[change.how], change.classes)
    if not counts:
        return "the same for every name, exemptions aside"
    return "some become " + ", some ".join(how for how in _HOW if counts[how])


def _of_name_change(change: NameChange) -> str:
    service = f" ({change.service})" if change.service else ""
    classes = count_text(change.classes, "class", "classes")
    return (
        f"{change.how} on {', '.join(change.vlans)}{hours_text(change.hours)}: "
        f"{change.old} → {change.new}{service}, {classes} of names"
    )


def _of_services(same: Sequence[NameChange]) -> str:
    """Changes of many services that are alike."""
    classes = sum(member.classes for member in same)
    first, change = same[0], f"{len(same)} services, {classes:,} classes of names"
    where = f"{', '.join(first.vlans)}{hours_text(first.hours)}"
    return f"{first.how} on {where}: {first.old} → {first.new}, {change}"


def hours_text(states: Sequence[str]) -> str:
    """`` within office or outside all hours``: states of a change; empty where it is in every."""
    texts = ("outside all hours" if state == NO_HOURS else f"within {state}" for state in states)
    return f" {' or '.join(texts)}" if states else ""


def _examples(change: NameChange) -> str:
    return some_text(change.examples, change.classes)


_HOW = {"looser": "-", "stricter": "+", "otherwise": "~"}


def replay(result: Replay) -> Iterator[str]:
    """The queries whose outcome changes, VLAN by VLAN; the most frequent names first."""
    by_vlan = defaultdict(list)
    for change in sorted(result.changes, key=lambda change: -result.changes[change].total()):
        by_vlan[change.vlan].append(change)
    for vlan in sorted(result.replayed):
        changed = sum(result.changes[change].total() for change in by_vlan[vlan])
        yield f"  {vlan}: {changed:,} of {result.replayed[vlan]:,} queries change"
        for change in by_vlan[vlan]:
            yield from _outcome_change(change, result.changes[change])
    for vlan, times in sorted(result.left_out.items()):
        left_out = count_text(times, "query", "queries")
        yield f"  {vlan}: {left_out} left out, since not both have this VLAN"


def _outcome_change(change: OutcomeChange, queries: Counter[tuple[bytes, int]]) -> Iterator[str]:
    by_name = types_by_name(queries)
    service = f" ({change.service})" if change.service else ""
    yield (
        f"    ~ {change.old} → {change.new}{service}: "
        f"{count_text(queries.total(), 'query', 'queries')}, {count_text(len(by_name), 'name')}"
    )
    for name, types in list(by_name.items())[:_SHOWN]:
        shown = " ".join(sorted(codes.type_text(qtype) for qtype in types))
        yield f"      {types.total():>9,}  {names.text(name)}  {shown}"
    if len(by_name) > _SHOWN:
        more = count_text(len(by_name) - _SHOWN, "more name")
        yield f"      ... and {more} (--json has them all)"


def types_by_name(queries: Counter[tuple[bytes, int]]) -> dict[bytes, Counter[int]]:
    """The queries for each name by type, the most frequent names first."""
    by_name: dict[bytes, Counter[int]] = defaultdict(Counter)
    for (name, qtype), times in queries.items():
        by_name[name][qtype] += times
    return dict(sorted(by_name.items(), key=lambda item: (-item[1].total(), item[0])))


def skipped(counts: QueryCounts) -> Iterator[str]:
    """What of a file was not read, by reason."""
    for reason, times in counts.skipped.most_common():
        yield f"  left out {times:,}: {reason} (first: {counts.first[reason]})"


def replay_json(counts: QueryCounts, result: Replay) -> dict[str, object]:
    """The replay as one object, with every name."""
    changed = Counter[str]()
    for change, queries in result.changes.items():
        changed[change.vlan] += queries.total()
    return {
        "read": counts.total,
        "skipped": [
            {"reason": reason, "times": times, "first": counts.first[reason]}
            for reason, times in counts.skipped.most_common()
        ],
        "vlans": {
            vlan: {"questions": times, "changed": changed[vlan]}
            for vlan, times in result.replayed.items()
        },
        "not_judged": dict(result.left_out),
        "targets_unknown": result.targets_unknown,
        "changed": [_outcome_change_json(*item) for item in sorted(result.changes.items())],
    }


def _outcome_change_json(
    change: OutcomeChange, queries: Counter[tuple[bytes, int]]
) -> dict[str, object]:
    return {
        **change._asdict(),
        "questions": queries.total(),
        "names": [
            {
                "name": names.text(name),
                "questions": types.total(),
                "types": {codes.type_text(qtype): times for qtype, times in sorted(types.items())},
            }
            for name, types in types_by_name(queries).items()
        ],
    }
