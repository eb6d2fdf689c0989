"""Which services there are: the block lists grouped by service, the services by category.

References of a config, ``telegram`` or ``@messenger``, become sets of services here, each
set a whole number with a bit a service.
"""

from collections.abc import Sequence

from resolver.config.problems import Problem, did_you_mean, one_of
from resolver.lists.rules import BlockList, count_blocking
from resolver.policy.compiled import ListSource, Service


class ServiceCatalog:
    """The services of some lists, in the order of their names."""

    def __init__(self, lists: Sequence[BlockList]) -> None:
        self.lists = sorted(lists, key=lambda each: (each.service, each.file))
        by_service: dict[str, list[BlockList]] = {}
        for each in self.lists:
            by_service.setdefault(each.service, []).append(each)
        self._place = {name: place for place, name in enumerate(by_service)}
        self.services = tuple(_service(name, group) for name, group in by_service.items())
        self.sources = tuple(
            ListSource(
                each.file,
                self._place[each.service],
                each.name or each.service,
                count_blocking(each),
            )
            for each in self.lists
        )
        self.problems = [p for group in by_service.values() for p in _disagreements(group)]

    def members(self, reference: str) -> int | None:
        """The services that a reference means, a bit each; None where it means none."""
        if not reference.startswith("@"):
            place = self._place.get(reference)
            return None if place is None else 1 << place
        bits = 0
        for place, service in enumerate(self.services):
            bits |= (service.category == reference[1:]) << place
        return bits or None

    def place(self, service: str) -> int | None:
        """A service's place among the services."""
        return self._place.get(service)

    def what_else(self, reference: str) -> tuple[str, str]:
        """What is expected instead of an unknown reference, and the advice."""
        known: list[str] = sorted({"@" + service.category for service in self.services})
        if not reference.startswith("@"):
            known = list(self._place)
        return one_of(known), did_you_mean(reference, known)


def _service(name: str, lists: list[BlockList]) -> Service:
    first = lists[0]
    return Service(
        name,
        first.category,
        next((each.title for each in lists if each.title), name),
        next((each.persian for each in lists if each.persian), ""),
        any(each.answer == "nxdomain" for each in lists),
        sum(map(count_blocking, lists)),
        min((str(each.reviewed) for each in lists if each.reviewed), default=""),
    )


def _disagreements(lists: list[BlockList]) -> list[Problem]:
    first = lists[0]
    return [
        Problem(
            "error",
            each.file,
            None,
            "! Category:",
            each.category,
            f"{first.category}, as {first.file} has it",
            "Two lists of a service are of one category.",
        )
        for each in lists[1:]
        if each.category != first.category
    ]
