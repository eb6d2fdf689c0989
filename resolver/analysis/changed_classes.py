"""The classes of names that other lists may cover after a change, and those that none does.

The lists of two snapshots differ in some rules. Only at and below the names of these rules can
other services cover a name than before: the classes there are compared one by one. Of all others
it is enough to know the groups of one snapshot. ``name_classes`` explains point, class and group.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from functools import cached_property
from typing import NamedTuple

from resolver.analysis.name_classes import NameClasses, of_point
from resolver.analysis.name_groups import Covering, NameClass, NameGroup, NameGroups, class_order
from resolver.dns import names
from resolver.policy.rule_names import within


class CoveringPair(NamedTuple):
    """The services that cover a class before and after."""

    old: Covering
    new: Covering


class PairedGroup(NamedTuple):
    """The classes that the same services cover before, and the same after."""

    number: int
    shortest: list[NameClass]
    """The shortest of them, as far as they are kept."""


Pairs = dict[CoveringPair, PairedGroup]


class ChangedClasses:
    """What differs in the lists of two snapshots."""

    def __init__(self, old: NameClasses, new: NameClasses, changed: Set[bytes]) -> None:
        """``changed`` has the names of the rules in which the lists differ."""
        self.old = old
        self.new = new
        self._changed = changed
        self.zones = [zone for zone in changed if self._is_highest(zone)]
        """Those of the names that are not below another."""
        self._keys = sorted(map(names.index_key, self.zones))

    def _is_highest(self, name: bytes) -> bool:
        above = names.zones(name)
        next(above)
        return self._changed.isdisjoint(above)

    def __contains__(self, of_class: NameClass) -> bool:
        return not self._changed.isdisjoint(names.zones(of_class.point))

    def pair(self, of_class: NameClass) -> CoveringPair:
        """The services that cover a class before and after."""
        new = self.new.covering_of(of_class)
        return CoveringPair(self.old.covering_of(of_class) if of_class in self else new, new)

    def is_counted(self, of_class: NameClass) -> bool:
        """Whether a class is in a group of ``all_pairs``."""
        return any(side.is_counted(of_class.point) for side in (self.old, self.new))

    def _points(self) -> Iterator[bytes]:
        """The points of lists at which something may differ, each once."""
        yield from self.new.list_points_within(self.zones)
        for point in self.old.list_points_within(self.zones):
            if not self.new.is_counted(point):
                yield point

    @cached_property
    def pairs(self) -> Pairs:
        """The classes whose lists differ, at the points of lists."""
        groups: dict[CoveringPair, NameGroup] = defaultdict(NameGroup)
        for point in self._points():
            for of_class in of_point(point):
                groups[self.pair(of_class)].add(*of_class)
        for group in groups.values():
            group.settle()
        return {pair: PairedGroup(group.count, group.shortest) for pair, group in groups.items()}

    @cached_property
    def all_pairs(self) -> Pairs:
        """All classes at the points of lists, and at the root."""
        changed: Counter[Covering] = Counter()
        for point in self.new.list_points_within(self.zones):
            changed.update(self.new.covering_of(of_class) for of_class in of_point(point))
        groups = dict(self.pairs)
        for covering, group in self.new.groups.by_covering.items():
            pair = CoveringPair(covering, covering)
            known = groups.get(pair, PairedGroup(0, []))
            same = [of_class for of_class in group.shortest if of_class not in self]
            shortest = sorted([*known.shortest, *same], key=class_order)
            groups[pair] = PairedGroup(group.count - changed[covering] + known.number, shortest)
        return groups

    def one_of(self, pair: CoveringPair, apart: Set[NameClass]) -> NameClass:
        """The shortest class with this pair that is not in ``apart``: all that are kept are."""
        points = (point for side in (self.old, self.new) for point in side.list_points())
        every = (of_class for point in points for of_class in of_point(point))
        return min(
            (
                of_class
                for of_class in every
                if of_class not in apart and self.pair(of_class) == pair
            ),
            key=class_order,
        )

    def classes_within(self, zone: bytes) -> Iterator[NameClass]:
        """All classes at and below a name, by one of the snapshots or by both."""
        for side in (self.old, self.new):
            yield from side.within(zone)

    def changed_within(self, zone: bytes) -> Iterator[NameClass]:
        """Those whose lists may differ."""
        if NameClass(zone, is_below=False) in self:
            yield from self.classes_within(zone)
            return
        for key in within(self._keys, (names.index_key(zone),)):
            name = names.from_index_key(key)
            if names.is_within(name, zone):
                yield from self.classes_within(name)

    def groups(self, old: NameGroups) -> NameGroups | None:
        """The groups of the new snapshot, by changing those of the old one.

        None where too few classes of a group would be kept.
        """
        for point in self.old.list_points_within(self.zones):
            self.old.remove_from(old, point)
        for point in self.new.list_points_within(self.zones):
            self.new.add_to(old, point)
        groups = old.settled()
        return None if groups.are_short else groups
