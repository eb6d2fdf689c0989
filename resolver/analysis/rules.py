"""The rules in which the lists of two snapshots differ.

A list is compared with the other snapshot's list of the same file; or, since a candidate may be
in another directory, with the service's list of the same file name. Of a list that only one
snapshot has, all rules are added or gone. A rule that moved to another line is no change.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from resolver.dns import names
from resolver.lists.rules import Rule
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import EXCEPTION, SUBTREE, Index, RuleMatch


class ListChange(NamedTuple):
    """The rules of a list that are gone and added."""

    service: str
    file: str
    gone: tuple[str, ...]
    added: tuple[str, ...]


class RuleChanges(NamedTuple):
    """The rules in which the lists of two snapshots differ."""

    lists: list[ListChange]
    """Every list whose rules differ, by service and file."""
    names: set[bytes]
    """At and below these names alone, other services may cover a name than before."""


_Side = tuple[CompiledConfig, Index]


def compare_rules(old: _Side, new: _Side) -> RuleChanges:
    """What differs. A list whose rules have the same hash in both is not read."""
    numbers = _shared_numbers(old[0], new[0])
    pairs = enumerate(numbers)
    same = {number for place, number in pairs if _is_same(old[0], new[0], number, place)}
    gone = {_code(rule, rule.source) for rule in _rules(old, range(len(old[0].sources)), same)}
    added = set()
    for rule in _rules(new, numbers, same):
        code = _code(rule, numbers[rule.source])
        if code in gone:
            gone.remove(code)
        else:
            added.add(code)
    # A list in both has the name of the new one.
    files = {**_files(old[0], range(len(old[0].sources))), **_files(new[0], numbers)}
    texts = _by_number(gone), _by_number(added)
    lists = sorted(
        ListChange(
            *files[number], *(tuple(sorted(by_number.get(number, ()))) for by_number in texts)
        )
        for number in texts[0].keys() | texts[1].keys()
    )
    differing = {names.from_index_key(code[_KEY:]) for code in gone | added}
    return RuleChanges(lists, differing | _decided_otherwise(old[0], new, numbers))


def _is_same(old: CompiledConfig, new: CompiledConfig, number: int, place: int) -> bool:
    """Whether a list has the rules that its counterpart has; a snapshot before 1.2 has no hash."""
    if number >= len(old.sources):
        return False
    rules = new.sources[place].rules
    return bool(rules) and rules == old.sources[number].rules


def _rules(side: _Side, numbers: Sequence[int], without: Container[int]) -> Iterator[RuleMatch]:
    """The rules of all lists but those that have one of these numbers."""
    wanted = {place for place, number in enumerate(numbers) if number not in without}
    return side[1].rules_of(wanted) if wanted else iter(())


def _decided_otherwise(old: CompiledConfig, new: _Side, numbers: Sequence[int]) -> set[bytes]:
    """The names of the rules of lists that another one now decides before, or whose exceptions do.

    The name of the file decides which of two lists comes first.
    """
    moved = {
        place
        for place, source in enumerate(new[0].sources)
        if numbers[place] < len(old.sources)
        and (source.file, source.longest_match)
        != (old.sources[numbers[place]].file, old.sources[numbers[place]].longest_match)
    }
    return {rule.name for rule in new[1].rules_of(moved)} if moved else set()


def _shared_numbers(old: CompiledConfig, new: CompiledConfig) -> list[int]:
    """A number for each of the new lists: the place of its old counterpart, or a new number."""
    exact = {(_service(old, at), source.file): at for at, source in enumerate(old.sources)}
    left = {place: (_service(new, place), source.file) for place, source in enumerate(new.sources)}
    numbers = {place: exact.pop(key) for place, key in list(left.items()) if key in exact}
    alike = {(service, file.rpartition("/")[2]): at for (service, file), at in exact.items()}
    for place, (service, file) in left.items():
        if place not in numbers:
            new_number = len(old.sources) + place
            numbers[place] = alike.pop((service, file.rpartition("/")[2]), new_number)
    return [numbers[place] for place in range(len(new.sources))]


def _service(compiled: CompiledConfig, source: int) -> str:
    return compiled.services[compiled.sources[source].service].name


def _files(compiled: CompiledConfig, numbers: Iterable[int]) -> dict[int, tuple[str, str]]:
    return {
        number: (_service(compiled, place), compiled.sources[place].file)
        for place, number in enumerate(numbers)
    }


_KEY: Final = 5


def _by_number(codes: Iterable[bytes]) -> dict[int, list[str]]:
    """Rules as texts, by the numbers of their lists."""
    by_number: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_number[int.from_bytes(code[: _KEY - 1], "big")].append(_decoded(code))
    return by_number


def _code(rule: RuleMatch, number: int) -> bytes:
    """A rule of a list in as few octets as will do: there may be a million."""
    flags = (SUBTREE if rule.subtree else 0) | (EXCEPTION if rule.exception else 0)
    return b"%b%c%b" % (number.to_bytes(4, "big"), flags, rule.key)


def _decoded(code: bytes) -> str:
    flags = code[_KEY - 1]
    name = names.from_index_key(code[_KEY:])
    return Rule(name, bool(flags & SUBTREE), bool(flags & EXCEPTION), 0).text
