"""All names, in equivalence classes: the names of a class get the same verdict by any policy.

The words of the proof over all names, in this package and in ``compiler.all_names``:

- A **point** is a name at which a verdict may change: the name of a rule or an exception of any
  list, of an own rule of a policy, of a local record, a special-use or a forwarded zone, and the
  root (``policy.rule_names`` has them).
- A **class** is a set of names that no rule tells apart. Each point has two: the name itself, and
  all names below it down to the next points. With the rules ``||a.example^`` and
  ``||b.a.example^`` alone, the second class of a.example has c.a.example, but not b.a.example. A
  name that no point has stands for it (``CHILD``).
- A **group** has the classes that lists of the same services cover (``name_groups``).

Most points have nothing but rules of lists at them and above them: ``groups`` has their classes,
and one class of a group is judged for all. The others are judged one by one.
"""

from collections.abc import Callable, Iterable, Iterator, Set
from typing import Final

from resolver.analysis.name_groups import (
    CHILD,
    Covering,
    NameClass,
    NameGroups,
    class_order,
)
from resolver.dns import names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.judge import Judge
from resolver.policy.rule_names import EVERY_SERVICE, RuleNames


class NameClasses:
    """The classes of all names, by a snapshot."""

    def __init__(
        self,
        compiled: CompiledConfig,
        index: Index,
        groups: "Callable[[NameClasses], NameGroups] | None" = None,
    ) -> None:
        """``groups`` makes the groups, where they are kept; else they are made from nothing."""
        self.compiled = compiled
        self.index = index
        self._judge = Judge(compiled, index)
        self._names = RuleNames(compiled, index)
        self._services = [service.name for service in compiled.services]
        self._make_groups = groups or NameClasses.all_groups
        self._groups: NameGroups | None = None
        self._by_rule: dict[int, tuple[Covering, Covering]] = {}
        """By the list and the flags of the only rule that covers a point: most points have one."""

    @property
    def groups(self) -> NameGroups:
        """The classes at the root and at the points of lists."""
        if self._groups is None:
            self._groups = self._make_groups(self)
        return self._groups

    def all_groups(self) -> NameGroups:
        """The groups, from nothing: seconds with a million names."""
        groups = NameGroups()
        for point in self.list_points():
            self.add_to(groups, point)
        return groups.settled()

    def add_to(self, groups: NameGroups, point: bytes) -> None:
        """Add the classes of a point to groups."""
        at_it, below_it = self.covering(point)
        groups.add(point, False, at_it)
        if len(point) <= _LONGEST_ABOVE:
            groups.add(point, True, below_it)

    def remove_from(self, groups: NameGroups, point: bytes) -> None:
        """Remove the classes of a point from groups."""
        for of_class in of_point(point):
            groups.remove(*of_class, self.covering_of(of_class))

    def list_points(self) -> Iterator[bytes]:
        """The root, and the name of each rule of a list, each once."""
        yield names.ROOT
        yield from self.index.all_names()

    def covering(self, point: bytes) -> tuple[Covering, Covering]:
        """The services whose lists cover the name of a point, and those that cover all below it."""
        keys = self.index.keys(names.index_key(point))
        rule = self.index.list_and_flags(keys[0]) if len(keys) == 1 else -1
        if rule < 0 or len(keys[0]) != len(point) - 1:
            return self._covering(point), self._covering(CHILD + point)
        pair = self._by_rule.get(rule)
        if pair is None:
            pair = self._covering(point), self._covering(CHILD + point)
            self._by_rule[rule] = pair
        return pair

    def _covering(self, name: bytes) -> Covering:
        return tuple([self._services[service] for service in self._judge.covering(name)])

    def covering_of(self, of_class: NameClass) -> Covering:
        """The services whose lists cover a class."""
        return self.covering(of_class.point)[of_class.is_below]

    def is_counted(self, point: bytes) -> bool:
        """Whether the classes of a point are among those of ``groups``."""
        return point == names.ROOT or self.index.has_rules_at(point)

    def one_of(self, covering: Covering, apart: Set[NameClass]) -> NameClass:
        """The shortest class of a group that is not in ``apart``; there must be one."""
        for of_class in self.groups.by_covering[covering].shortest:
            if of_class not in apart:
                return of_class
        every = (  # all that are kept are apart: rare
            of_class
            for point in self.list_points()
            for of_class in of_point(point)
            if self.covering_of(of_class) == covering and of_class not in apart
        )
        return min(every, key=class_order)

    def within(self, zone: bytes) -> Iterator[NameClass]:
        """The classes at and below a name."""
        keys = self._names.within((names.index_key(zone),), EVERY_SERVICE, unlisted=True)
        points = (names.from_index_key(key).removeprefix(names.WILDCARD) for key in keys)
        for point in dict.fromkeys((zone, *points)):
            if names.is_within(point, zone):
                yield from of_point(point)

    def list_points_within(self, zones: Iterable[bytes]) -> Iterator[bytes]:
        """The points of lists at and below some names, of which none is below another."""
        for zone in zones:
            for key in self.index.keys_with_prefix(names.index_key(zone)):
                point = names.from_index_key(key)
                if names.is_within(point, zone):
                    yield point

    @property
    def of_network(self) -> list[bytes]:
        """The special points of all policies: names that lists may cover, and other data has."""
        return self._names.of_network


_LONGEST_ABOVE: Final = names.MAX_NAME - len(CHILD)
"""Octets of a name that has names below it."""


def of_point(point: bytes) -> Iterator[NameClass]:
    """The classes of a point; none below a name that is too long to have any."""
    yield NameClass(point, False)
    if len(point) <= _LONGEST_ABOVE:
        yield NameClass(point, True)
