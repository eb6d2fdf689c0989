"""The names at which the verdict on some services may change, in the order of their index keys."""

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence

from resolver.dns import names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.judge import zones_of_this_network
from resolver.policy.services import services_in

Keys = Sequence[bytes]
"""Index keys (``names.index_key``), sorted, each once. So a name comes before those below it."""


class RuleNames:
    """The names of the rules of a snapshot, by service."""

    def __init__(self, compiled: CompiledConfig, index: Index) -> None:
        self._compiled = compiled
        self._index = index
        local = (each.name for each in compiled.local)
        passing = {*compiled.excepted, *compiled.allowed_names, *local}
        self._passing = sorted(map(names.index_key, passing))
        self._of_service: list[list[bytes]] = []
        self._keys: dict[tuple[int, bool], Keys] = {}

    def keys(self, services: int, *, unlisted: bool) -> Keys:
        """The names of the rules of a set of services, and the names that may pass.

        An exception of any list, a local record, and a name that some policy allows by its service
        turn NXDOMAIN above them into NODATA. ``unlisted``: a default blocks the names that nothing
        covers, and the zones of this network pass it.
        """
        found = self._keys.get((services, unlisted))
        if found is None:
            of_service = self._of_service = self._of_service or self._by_service()
            passing = zones_of_this_network(self._compiled) if unlisted else []
            found = merged(
                self._passing, map(names.index_key, passing), *services_in(services, of_service)
            )
            self._keys[services, unlisted] = found
        return found

    def _by_service(self) -> list[list[bytes]]:
        """The keys of each service, from one pass over all rules."""
        of_service: list[list[bytes]] = [[] for _ in self._compiled.services]
        of_source = [of_service[source.service] for source in self._compiled.sources]
        for rule in self._index.all_rules():
            of_source[rule.source].append(rule.key)
        for keys in of_service:
            keys.sort()
        return of_service


def merged(*keys: Iterable[bytes]) -> Keys:
    """Several sequences of keys as one."""
    return [key for key, _ in itertools.groupby(sorted(itertools.chain(*keys)))]


def within(keys: Keys, tops: Keys) -> Iterator[bytes]:
    """Those of some keys that begin with one of ``tops``: these names, and all below them."""
    at = 0
    for top in tops:
        at = bisect.bisect_left(keys, top, at)
        while at < len(keys) and keys[at].startswith(top):
            yield keys[at]
            at += 1
