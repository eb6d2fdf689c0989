"""All names, in classes: the names of a class get the same verdict by any policy.

A point is a name at which a verdict may change: the name of a rule or an exception of any list, of
an own rule of a policy, of a local record, a special-use or a forwarded zone, and the root. Each
point has two classes: the name itself, and all names below it down to the next points. A name that
no point has stands for the second.

Most points have nothing but rules of lists at them and above them. What such a class gets depends
on the services alone whose lists cover it, so that one class of a set of services stands for all
with this set: ``groups`` has them. The other points are ``special``.
"""

from collections.abc import Container, Iterable, Iterator
from heapq import nsmallest
from typing import Final, NamedTuple

from resolver.dns import names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.judge import Judge, zones_of_this_network
from resolver.policy.services import union

_CHILD: Final = b"\x01!"
"""The label of a name that stands for all below a point: no rule may have this octet."""
_KEPT: Final = 64
"""Classes of a group that are kept, the shortest."""
_MAX_NAME: Final = 255


class NameClass(NamedTuple):
    """The names of a class."""

    point: bytes
    """The name of the point, in lower-case wire form."""
    is_below: bool
    """Whether it is all names below the point, down to the next points."""

    @property
    def name(self) -> bytes:
        """A name of the class."""
        return _CHILD + self.point if self.is_below else self.point

    def __str__(self) -> str:
        text = names.text(self.point)
        return f"*.{text}".removesuffix(".") if self.is_below else text


class NameGroup:
    """The classes that the same services cover."""

    __slots__ = ("count", "shortest")

    def __init__(self) -> None:
        self.count = 0
        self.shortest: list[NameClass] = []
        """Some of them, the shortest first."""

    def add(self, of_class: NameClass) -> None:
        """Count one more."""
        self.count += 1
        shortest = self.shortest
        if len(shortest) < _KEPT or len(of_class.point) < len(shortest[-1].point):
            shortest.append(of_class)
            if len(shortest) >= 2 * _KEPT:
                self.settle()

    def settle(self) -> None:
        """Sort what is kept."""
        self.shortest = nsmallest(_KEPT, self.shortest, key=class_order)


class NameClasses:
    """The classes of the names that lists cover."""

    def __init__(self, compiled: CompiledConfig, index: Index, judge: Judge) -> None:
        self._compiled = compiled
        self._index = index
        self._judge = judge
        self._groups: dict[int, NameGroup] | None = None
        self._within: dict[bytes, list[tuple[NameClass, int]]] = {}

    @property
    def groups(self) -> dict[int, NameGroup]:
        """The classes at the points of lists, by the services that cover them, one bit each."""
        if self._groups is None:
            groups: dict[int, NameGroup] = {}
            for of_class, services in self._covered(self._index.all_names()):
                groups.setdefault(services, NameGroup()).add(of_class)
            for each in groups.values():
                each.settle()
            self._groups = groups
        return self._groups

    def has_rules_at(self, of_class: NameClass) -> bool:
        """Whether a class is one of those that ``groups`` counts, if lists cover it."""
        return self._index.has_rules_at(of_class.point)

    def one_of(self, services: int, apart: Container[NameClass]) -> NameClass:
        """The shortest class of a group that is not in ``apart``; there must be one."""
        for each in self.groups[services].shortest:
            if each not in apart:
                return each
        every = self._covered(self._index.all_names())  # all that are kept are apart: rare
        others = (each for each, own in every if own == services and each not in apart)
        return min(others, key=class_order)

    def within(self, zone: bytes) -> list[tuple[NameClass, int]]:
        """The classes at and below a name that lists cover, with the services of each."""
        if zone not in self._within:
            self._within[zone] = [*self._covered(self._points_within(zone))]
        return self._within[zone]

    def all_within(self, zone: bytes) -> Iterator[NameClass]:
        """All classes at and below a name."""
        for point in self._points_within(zone):
            yield from self.of_point(point)

    def of_point(self, point: bytes) -> Iterator[NameClass]:
        """The classes of a point; none below a name that is too long to have any."""
        yield NameClass(point, False)
        if len(point) + len(_CHILD) <= _MAX_NAME:
            yield NameClass(point, True)

    def _points_within(self, zone: bytes) -> Iterable[bytes]:
        points = dict.fromkeys((zone, *(each.name for each in self._index.rules_within(zone))))
        own = (each for each in self.of_network if names.is_within(each, zone))
        points.update(dict.fromkeys(own))
        return points

    @property
    def of_network(self) -> list[bytes]:
        """The special points of all policies: names that lists may cover, and other data has."""
        local = (each.name.removeprefix(names.WILDCARD) for each in self._compiled.local)
        return list(dict.fromkeys((*local, *zones_of_this_network(self._compiled))))

    def _covered(self, points: Iterable[bytes]) -> Iterator[tuple[NameClass, int]]:
        covering = self._judge.covering
        for point in points:
            for of_class in self.of_point(point):
                services = union(1 << each for each in covering(of_class.name))
                if services:
                    yield of_class, services


def class_order(of_class: NameClass) -> tuple[int, bool, bytes]:
    """The shortest first."""
    return len(of_class.point), of_class.is_below, of_class.point
