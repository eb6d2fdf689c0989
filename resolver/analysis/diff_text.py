"""A comparison in lines for people: grouped, a sign before whatever came, went or changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

from resolver.analysis.changes import Change, Detail
from resolver.analysis.replay import OutcomeChange, Replay
from resolver.analysis.summary import SETTINGS, Value
from resolver.dns import codes, names

_SIGNS = {"added": "+", "gone": "-", "changed": "~"}
_FEW = 5
"""Members that stand on the line itself; where there are more, each has its own."""
_SHOWN = 10
_TITLES = {"vlans": "VLANs", "forward": "forwarded zones", "local": "local names"}


def changes(found: Iterable[Change]) -> Iterator[str]:
    """The changes, section by section."""
    for section, group in groupby(found, key=lambda change: change.section):
        yield _TITLES.get(section, section)
        for change in group:
            if section == SETTINGS:
                (value,) = change.details
                yield f"  ~ {change.name}: {_word(value.old)} → {_word(value.new)}"
                continue
            yield f"  {_SIGNS[change.how]} {change.name}"
            if change.how != "gone":
                yield from _details(change)


def _details(change: Change) -> Iterator[str]:
    for detail in change.details:
        if detail.gone or detail.added:
            yield from _members(detail)
        elif change.how == "added":
            yield f"      {detail.key}: {_word(detail.new)}"
        else:
            yield f"      {detail.key}: {_word(detail.old)} → {_word(detail.new)}"


def _members(detail: Detail) -> Iterator[str]:
    key, _, _, gone, added = detail
    signed = [*(f"- {each}" for each in gone), *(f"+ {each}" for each in added)]
    if len(signed) <= _FEW:
        yield f"      {key}: {', '.join(signed)}"
        return
    counts = [f"{len(each):,} {what}" for each, what in ((gone, "gone"), (added, "new")) if each]
    yield f"      {key}: {', '.join(counts)}"
    for members, sign in ((gone, "-"), (added, "+")):
        yield from (f"        {sign} {each}" for each in members[:_SHOWN])
        if len(members) > _SHOWN:
            yield f"        {sign} ... and {len(members) - _SHOWN:,} more (--json has them all)"


def _word(word: Value) -> str:
    return "none" if word in (None, "") else f"{word}"


def fates(found: Replay) -> Iterator[str]:
    """What becomes of questions, VLAN by VLAN; the most frequent names first."""
    by_vlan = _by_vlan(found)
    for vlan in sorted(found.judged):
        turns = by_vlan.get(vlan, [])
        changed = sum(found.turned[turn].total() for turn in turns)
        yield f"  {vlan}: {changed:,} of {found.judged[vlan]:,} questions change"
        for turn in turns:
            yield from _turn(turn, found.turned[turn])
    for vlan, times in sorted(found.not_judged.items()):
        yield f"  {vlan}: {times:,} questions not judged, since not both have this VLAN"


def _by_vlan(found: Replay) -> dict[str, list[OutcomeChange]]:
    by_vlan = defaultdict(list)
    for turn in sorted(found.turned, key=lambda turn: -found.turned[turn].total()):
        by_vlan[turn.vlan].append(turn)
    return by_vlan


def _turn(turn: OutcomeChange, questions: Counter[tuple[bytes, int]]) -> Iterator[str]:
    by_name = types_by_name(questions)
    service = f" ({turn.service})" if turn.service else ""
    yield (
        f"    ~ {turn.old} → {turn.new}{service}: "
        f"{questions.total():,} questions, {len(by_name):,} names"
    )
    for name, types in list(by_name.items())[:_SHOWN]:
        shown = " ".join(sorted(codes.type_text(qtype) for qtype in types))
        yield f"      {types.total():>9,}  {names.text(name)}  {shown}"
    if len(by_name) > _SHOWN:
        yield f"      ... and {len(by_name) - _SHOWN:,} more names (--json has them all)"


def types_by_name(questions: Counter[tuple[bytes, int]]) -> dict[bytes, Counter[int]]:
    """How often each type was asked of each name, the names that were asked most first."""
    by_name: dict[bytes, Counter[int]] = defaultdict(Counter)
    for (name, qtype), times in questions.items():
        by_name[name][qtype] += times
    return dict(sorted(by_name.items(), key=lambda item: (-item[1].total(), item[0])))


def as_json(found: Replay) -> dict[str, object]:
    """The same as one object, with every name."""
    changed = Counter[str]()
    for turn, questions in found.turned.items():
        changed[turn.vlan] += questions.total()
    return {
        "vlans": {
            vlan: {"questions": times, "changed": changed[vlan]}
            for vlan, times in found.judged.items()
        },
        "not_judged": dict(found.not_judged),
        "changed": [_turn_as_json(*item) for item in sorted(found.turned.items())],
    }


def _turn_as_json(turn: OutcomeChange, questions: Counter[tuple[bytes, int]]) -> dict[str, object]:
    return {
        **turn._asdict(),
        "questions": questions.total(),
        "names": [
            {
                "name": names.text(name),
                "questions": types.total(),
                "types": {codes.type_text(qtype): times for qtype, times in sorted(types.items())},
            }
            for name, types in types_by_name(questions).items()
        ],
    }
