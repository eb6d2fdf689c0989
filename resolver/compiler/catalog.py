"""The services and categories that the block lists define.

A config refers to them as ``telegram`` or ``@messenger``. Here such references become sets of
services (see ``policy.services``).
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from resolver.compiler.packed_rules import packed
from resolver.config.problems import Problem, did_you_mean, one_of
from resolver.lists.rules import BlockList, count_blocking
from resolver.policy.compiled import AddressRange, ListSource, RefusedRule, Service
from resolver.policy.services import union

_MAX_REFUSED = 1000
"""Of a list: every worker holds them, and a list can have a million."""


class ServiceCatalog:
    """The services of the lists, in the order of their names."""

    def __init__(self, lists: Sequence[BlockList]) -> None:
        self.lists = sorted(lists, key=lambda block_list: (block_list.service, block_list.file))
        by_service: dict[str, list[BlockList]] = {}
        for block_list in self.lists:
            by_service.setdefault(block_list.service, []).append(block_list)
        self._index = {name: index for index, name in enumerate(by_service)}
        self.services = tuple(_service(name, group) for name, group in by_service.items())
        self.sources = tuple(
            ListSource(
                file=block_list.file,
                service=self._index[block_list.service],
                name=block_list.name
                or (Path(block_list.file).name if block_list.ranges else block_list.service),
                entries=count_blocking(block_list),
                fallback=block_list.fallback,
                longest_match=block_list.longest_match,
                refused=tuple(
                    RefusedRule(rule.name, rule.subtree, rule.line, reason)
                    for rule, reason in block_list.refused[:_MAX_REFUSED]
                ),
                of_others=bool(block_list.name),
                rules=packed(block_list).facts.digest,
            )
            for block_list in self.lists
        )
        self.ranges = tuple(self._ranges(for_firewalls=False))
        self.firewall_ranges = tuple(self._ranges(for_firewalls=True))
        self.problems = [p for group in by_service.values() for p in _disagreements(group)]

    def _ranges(self, *, for_firewalls: bool) -> Iterator[AddressRange]:
        for source, block_list in enumerate(self.lists):
            for entry in block_list.ranges if block_list.for_firewalls is for_firewalls else ():
                first, length = entry.network.network_address.packed, entry.network.prefixlen
                yield AddressRange(first, length, source, entry.line)

    def all(self) -> int:
        """The set of all services."""
        return (1 << len(self.services)) - 1

    def members(self, reference: str) -> int | None:
        """The set of services that a reference means; None where it is unknown."""
        if not reference.startswith("@"):
            index = self._index.get(reference)
            return None if index is None else 1 << index
        category = reference[1:]
        members = (i for i, service in enumerate(self.services) if service.category == category)
        return union(1 << index for index in members) or None

    def known_members(self, references: Iterable[str]) -> int:
        """The set of services that references mean, without the unknown ones."""
        return union(self.members(reference) or 0 for reference in references)

    def mistaken_for(self, reference: str) -> str:
        """The category that was probably meant by a service's name, with @; may be empty.

        A service with the name of a category may be all of it: then both mean the same.
        """
        category = f"@{reference}"
        members = self.members(category)
        return "" if members in (None, self.members(reference)) else category

    def instead_of(self, reference: str) -> tuple[str, str]:
        """What to expect instead of an unknown reference, and the advice."""
        if category := self.mistaken_for(reference):
            return f'"{category}" for the whole category', f'Did you mean "{category}"?'
        if not reference.startswith("@"):
            return one_of(self._index), did_you_mean(reference, [*self._index, *self._categories()])
        service = reference[1:]
        if service in self._index:
            return f'"{service}" for the one service', f'Did you mean "{service}"?'
        known = self._categories()
        return one_of(known), did_you_mean(reference, known)

    def instead_of_service(self, name: str) -> tuple[str, str]:
        """What to expect instead of an unknown service, where no category can be meant."""
        return one_of(self._index), did_you_mean(name, self._index)

    def _categories(self) -> list[str]:
        return sorted({"@" + service.category for service in self.services})


def _service(name: str, lists: list[BlockList]) -> Service:
    first = lists[0]
    return Service(
        name=name,
        category=first.category,
        title=next((block_list.title for block_list in lists if block_list.title), name),
        persian=next((block_list.persian for block_list in lists if block_list.persian), ""),
        always_nxdomain=any(block_list.answer == "nxdomain" for block_list in lists),
        entries=sum(count_blocking(block_list) for block_list in lists if not block_list.ranges),
        reviewed=min(
            (str(block_list.reviewed) for block_list in lists if block_list.reviewed), default=""
        ),
    )


def _disagreements(lists: list[BlockList]) -> list[Problem]:
    first = lists[0]
    return [
        Problem(
            "error",
            block_list.file,
            None,
            "! Category:",
            block_list.category,
            f"{first.category}, as in {first.file}",
            "All lists of a service have the same category.",
        )
        for block_list in lists[1:]
        if block_list.category != first.category
    ]
