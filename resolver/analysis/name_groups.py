"""Classes of names in groups: the classes of a group are covered by the lists of the same services.

``name_classes`` explains the words point, class and group.

What a policy does to a class with no own rule, local record or zone of this network at or above it
depends on these services alone. So one class of a group stands for all of them. A group has the
number of its classes and the shortest of them, and is changed where lists change.
"""

import json
from heapq import nsmallest
from typing import Any, Final, NamedTuple

from resolver.dns import names

CHILD: Final = b"\x01!"
"""The label of a name that stands for all below a point: no rule may have this octet."""
_KEPT: Final = 64
"""Classes of a group that are kept, the shortest."""
_FEWEST: Final = 16
"""Of more classes than are kept, at least so many are; else the groups are made anew."""

Covering = tuple[str, ...]
"""The services whose lists cover a class, by name, as ``Judge.covering`` orders them."""


class NameClass(NamedTuple):
    """The names of a class."""

    point: bytes
    """The name of the point, in lower-case wire form."""
    is_below: bool
    """Whether it is all names below the point, down to the next points."""

    @property
    def name(self) -> bytes:
        """A name of the class."""
        return CHILD + self.point if self.is_below else self.point

    def __str__(self) -> str:
        text = names.text(self.point)
        return f"*.{text}".removesuffix(".") if self.is_below else text


def class_order(of_class: NameClass) -> tuple[int, bool, bytes]:
    """The shortest first."""
    return len(of_class.point), of_class.is_below, of_class.point


class NameGroup:
    """Classes that the lists of the same services cover."""

    __slots__ = ("_bound", "count", "shortest")

    def __init__(self) -> None:
        self.count = 0
        self.shortest: list[NameClass] = []
        """The shortest of them, in order once it is settled."""
        self._bound: tuple[int, bool, bytes] | None = None
        """The order up to which all classes are kept; None where all are."""

    def add(self, point: bytes, is_below: bool) -> None:
        """Add a class."""
        self.count += 1
        if self._bound is not None and len(point) > self._bound[0]:
            return  # nearly always
        of_class = NameClass(point, is_below)
        if self._bound is None or class_order(of_class) < self._bound:
            self.shortest.append(of_class)
            if len(self.shortest) >= 2 * _KEPT:
                self.settle()

    def remove(self, point: bytes, is_below: bool) -> None:
        """Remove a class of the group."""
        self.count -= 1
        of_class = NameClass(point, is_below)
        if of_class in self.shortest:
            self.shortest.remove(of_class)

    def settle(self) -> None:
        """Sort what is kept, and keep no more than that."""
        has_more = len(self.shortest) > _KEPT
        self.shortest = nsmallest(_KEPT, self.shortest, key=class_order)
        if has_more:
            self._bound = class_order(self.shortest[-1])

    @property
    def is_short(self) -> bool:
        """Whether too few of its classes are kept."""
        return len(self.shortest) < min(_FEWEST, self.count)

    def plain(self) -> list[object]:
        """It as JSON has it; it must be settled."""
        bound = None if self._bound is None else [*self._bound[:2], self._bound[2].hex()]
        return [
            self.count,
            [[of_class.point.hex(), of_class.is_below] for of_class in self.shortest],
            bound,
        ]

    @classmethod
    def of_plain(cls, plain: list[Any]) -> "NameGroup":
        """The group of such a value."""
        group = cls()
        group.count, shortest, bound = plain
        group.shortest = [NameClass(bytes.fromhex(point), below) for point, below in shortest]
        group._bound = None if bound is None else (bound[0], bound[1], bytes.fromhex(bound[2]))
        return group


class NameGroups:
    """All groups of the classes at the points of lists, and at the root."""

    def __init__(self, by_covering: dict[Covering, NameGroup] | None = None) -> None:
        self.by_covering = by_covering or {}

    def add(self, point: bytes, is_below: bool, covering: Covering) -> None:
        """Add a class."""
        group = self.by_covering.get(covering)
        if group is None:
            group = self.by_covering[covering] = NameGroup()
        group.add(point, is_below)

    def remove(self, point: bytes, is_below: bool, covering: Covering) -> None:
        """Remove a class."""
        group = self.by_covering[covering]
        group.remove(point, is_below)
        if not group.count:
            del self.by_covering[covering]

    def settled(self) -> "NameGroups":
        """The same groups, each settled."""
        for group in self.by_covering.values():
            group.settle()
        return self

    @property
    def are_short(self) -> bool:
        """Whether too few classes of a group are kept."""
        return any(group.is_short for group in self.by_covering.values())

    def to_octets(self) -> bytes:
        """The groups, to be stored; they must be settled."""
        plain = [[covering, group.plain()] for covering, group in self.by_covering.items()]
        return json.dumps(plain, separators=(",", ":")).encode()

    @classmethod
    def of_octets(cls, octets: bytes) -> "NameGroups":
        """The groups that were stored."""
        plain = json.loads(octets)
        return cls({tuple(covering): NameGroup.of_plain(group) for covering, group in plain})
