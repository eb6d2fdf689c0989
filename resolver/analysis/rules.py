"""The rules in which the lists of two snapshots differ.

A list is compared with the other snapshot's list of the same file; or, since a candidate may be
in another directory, with the service's list of the same file name. Of a list that only one
snapshot has, all rules are added or gone. A rule that moved to another line is no change.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from resolver.dns import names
from resolver.lists.rules import Rule
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index, RuleMatch


class ListChange(NamedTuple):
    """The rules of a list that are gone and added."""

    service: str
    file: str
    gone: tuple[str, ...]
    added: tuple[str, ...]


def compare_rules(
    old: tuple[CompiledConfig, Index], new: tuple[CompiledConfig, Index]
) -> list[ListChange]:
    """Every list whose rules differ, by service and file."""
    numbers = _shared_numbers(old[0], new[0])
    codes = {_code(rule, rule.source) for rule in old[1].all_rules()}
    added: dict[int, list[str]] = defaultdict(list)
    for rule in new[1].all_rules():
        code = _code(rule, numbers[rule.source])
        if code in codes:
            codes.remove(code)
        else:
            added[numbers[rule.source]].append(_text(rule.key, rule.subtree, rule.exception))
    gone: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        gone[int.from_bytes(code[:4], "big")].append(_decoded(code))
    # A list in both has the name of the new one.
    files = {**_files(old[0], range(len(old[0].sources))), **_files(new[0], numbers)}
    return sorted(
        ListChange(*files[number], tuple(sorted(gone[number])), tuple(sorted(added[number])))
        for number in gone.keys() | added.keys()
    )


def _shared_numbers(old: CompiledConfig, new: CompiledConfig) -> list[int]:
    """A number for each of the new lists: the place of its old counterpart, or a new number."""
    exact = {(_service(old, at), each.file): at for at, each in enumerate(old.sources)}
    left = {place: (_service(new, place), each.file) for place, each in enumerate(new.sources)}
    numbers = {place: exact.pop(key) for place, key in list(left.items()) if key in exact}
    alike = {(service, file.rpartition("/")[2]): at for (service, file), at in exact.items()}
    for place, (service, file) in left.items():
        if place not in numbers:
            own = len(old.sources) + place
            numbers[place] = alike.pop((service, file.rpartition("/")[2]), own)
    return [numbers[place] for place in range(len(new.sources))]


def _service(compiled: CompiledConfig, source: int) -> str:
    return compiled.services[compiled.sources[source].service].name


def _files(compiled: CompiledConfig, numbers: Iterable[int]) -> dict[int, tuple[str, str]]:
    return {
        number: (_service(compiled, place), compiled.sources[place].file)
        for place, number in enumerate(numbers)
    }


def _code(rule: RuleMatch, number: int) -> bytes:
    """A rule of a list in as few octets as will do: there may be a million."""
    return b"%b%c%b" % (number.to_bytes(4, "big"), rule.subtree | rule.exception << 1, rule.key)


def _decoded(code: bytes) -> str:
    return _text(code[5:], bool(code[4] & 1), bool(code[4] & 2))


def _text(key: bytes, subtree: bool, exception: bool) -> str:
    return Rule(names.from_index_key(key), subtree, exception, 0).text
