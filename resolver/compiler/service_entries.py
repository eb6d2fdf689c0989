"""The services that the entries of a policy mean, and which of them contradict each other.

What a policy inherits is in its arrays already (``config/inheritance.py``). ``except`` takes
services out of these entries alone, and not out of what the policy itself says. Where two entries
say opposite things of a service, the first that decides would win in silence; so that is a problem
that names both places.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from resolver.compiler.catalog import ServiceCatalog
from resolver.config.model import Config
from resolver.config.policy_model import DuringConfig, PolicyConfig
from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import Provenance
from resolver.config.toml_lines import Path
from resolver.policy.services import services_in, union


class Entry(NamedTuple):
    """An entry of ``block``, ``count`` or ``allow``."""

    path: Path
    reference: str
    services: int
    """The services that it means, one bit each."""


def services_of(entries: Iterable[Entry]) -> int:
    """All services that entries mean."""
    return union(entry.services for entry in entries)


class ServiceEntries:
    """The entries of policies that name services."""

    def __init__(self, config: Config, provenance: Provenance, catalog: ServiceCatalog) -> None:
        self._policies = config.policies
        self._provenance = provenance
        self._catalog = catalog

    def of(self, path: Path, references: Iterable[tuple[int, str]]) -> list[Entry]:
        """The entries of an array of a policy, without what ``except`` takes out of them."""
        entries = []
        for place, reference in references:
            at = (*path, place)
            services = self._catalog.known_members([reference]) & ~self._taken_out(at)
            entries.append(Entry(at, reference, services))
        return entries

    def _taken_out(self, path: Path) -> int:
        """What is taken out of an inherited entry, by each policy from its heir to its origin."""
        origin, heir = self._origin(path), str(path[1])
        services = 0
        while heir != origin and (policy := self._policies.get(heir)) is not None:
            services |= self._catalog.known_members(policy.except_)
            heir = str(policy.extends)
        return services

    def _origin(self, path: Path) -> str:
        """The policy that has written an entry."""
        return str(self._provenance.origin(path)[0])

    def idle_exceptions(self, name: str) -> Iterator[Problem]:
        """The entries of ``except`` that take nothing out."""
        policy = self._policies[name]
        base = self._policies.get(policy.extends or "")
        if base is None:  # that is a problem already
            return
        inherited = services_of(self._restricting(str(policy.extends)))
        for place, reference in enumerate(policy.except_):
            members = self._catalog.members(reference)
            if members is not None and not members & inherited:
                expected = f"services that policy {policy.extends} blocks or counts"
                path = ("policies", name, "except", place)
                yield self._provenance.problem(path, toml_text(reference), expected)

    def _restricting(self, name: str) -> list[Entry]:
        """What a policy blocks or counts, at any hour."""
        path: Path = ("policies", name)
        parts: list[tuple[Path, PolicyConfig | DuringConfig]] = [(path, self._policies[name])]
        for place, part in enumerate(self._policies[name].during):
            parts.append(((*path, "during", place), part))
        return [
            entry
            for at, part in parts
            for key, references in (("block", part.block), ("count", part.count))
            for entry in self.of((*at, key), enumerate(references))
        ]

    def contradictions(
        self, entries: Iterable[Entry], before: Sequence[Entry], done: str
    ) -> Iterator[Problem]:
        """The entries that name a service of a key that goes before theirs."""
        for entry in entries:
            if entry.services & services_of(before):
                yield self._contradiction(entry, before, done)

    def opposites(self, block: Sequence[Entry], allow: Sequence[Entry]) -> Iterator[Problem]:
        """What a policy allows and the one that it extends blocks, or the other way round.

        Within a policy, and for one that extends it, ``block`` may take some services out of a
        category that ``allow`` has.
        """
        own = [entry for entry in block if not self._is_inherited(entry.path)]
        inherited = [entry for entry in block if self._is_inherited(entry.path)]
        for allowed in allow:
            if self._is_inherited(allowed.path):
                if allowed.services and not allowed.services & ~services_of(own):
                    yield self._contradiction(allowed, own, "open")
            elif allowed.services & services_of(inherited):
                yield self._contradiction(allowed, inherited, "open")

    def _is_inherited(self, path: Path) -> bool:
        return self._origin(path) != path[1]

    def _contradiction(self, entry: Entry, before: Sequence[Entry], done: str) -> Problem:
        """An entry that is not done, since others go before it."""
        both = entry.services & services_of(before)
        names = ", ".join(service.name for service in services_in(both, self._catalog.services))
        advice = f"A service of both is not {done}: {names}."
        expected = "services that no key before it has: 'allow', 'block' or 'count'"
        other = next(other for other in before if other.services & entry.services)
        if self._is_inherited(entry.path) != self._is_inherited(other.path):
            advice = f"{advice} It is also at {self._provenance.location(other.path)}."
            inherited = entry if self._is_inherited(entry.path) else other
            if "allow" not in inherited.path:
                advice = f"{advice} 'except' takes a service out of what is inherited."
        return self._provenance.problem(entry.path, toml_text(entry.reference), expected, advice)
