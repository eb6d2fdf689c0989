"""The names at which the verdict on some services may change, in the order of their index keys.

Response policy zones have a rule for each of them, and what is proven of all names is proven of
each of them and of the names below it (``analysis.name_classes``).
"""

import array
import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from resolver.dns import names
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.policy.judge import zones_of_this_network

Keys = Sequence[bytes]
"""Index keys (``names.index_key``), sorted, each once. So a name comes before those below it."""
EVERY_SERVICE: Final = -1
"""The set of all services."""


class RuleNames:
    """The names of the rules of a snapshot, by service."""

    def __init__(self, compiled: CompiledConfig, index: Index) -> None:
        self._compiled = compiled
        self._index = index
        self._passing = passing_keys(compiled)
        network = sorted(map(names.index_key, zones_of_this_network(compiled)))
        self._passing_and_network = merged(self._passing, network)
        self._by_list: list[array.array[int]] = []
        """The ids of the keys of each list; a million of them take 4 MB."""
        self._last: tuple[tuple[int, bool], Keys] | None = None
        """What ``keys`` was asked for last: zones of one policy come one after the other."""

    def keys(self, services: int, *, unlisted: bool) -> Keys:
        """The names of the rules of a set of services, and the names that may pass.

        ``unlisted``: a default blocks the names that nothing covers, and the zones of this network
        pass it.
        """
        asked = services, unlisted
        if self._last is None or self._last[0] != asked:
            self._last = None  # two of them at once would take twice the memory
            of_rules = map(self._index.key, chain.from_iterable(self._ids(services)))
            self._last = asked, merged(self._beside_rules(unlisted), of_rules)
        return self._last[1]

    def within(self, tops: Keys, services: int, *, unlisted: bool) -> Keys:
        """Those of ``keys`` that begin with one of ``tops``: these names, and all below them."""
        index, of_list = self._index, [source.service for source in self._compiled.sources]
        of_rules = (
            key
            for top in tops
            for key in index.keys_with_prefix(top)
            if any(services >> of_list[number] & 1 for number in index.lists_at(key))
        )
        return merged(within(self._beside_rules(unlisted), tops), of_rules)

    @property
    def of_network(self) -> list[bytes]:
        """The names that have local data or a zone of this network; a wildcard's is the parent."""
        local = (
            local_name.name.removeprefix(names.WILDCARD) for local_name in self._compiled.local
        )
        return list(dict.fromkeys((*local, *zones_of_this_network(self._compiled))))

    def _beside_rules(self, unlisted: bool) -> Keys:
        return self._passing_and_network if unlisted else self._passing

    def _ids(self, services: int) -> Iterator["array.array[int]"]:
        """The ids of the keys of each list of some services."""
        sources = self._compiled.sources
        self._by_list = self._by_list or self._index.keys_by_list(len(sources))
        for source, ids in zip(sources, self._by_list, strict=True):
            if services >> source.service & 1:
                yield ids


def passing_keys(compiled: CompiledConfig) -> Keys:
    """The names that may pass in every zone.

    An exception of any list, a local record, and a name that some policy allows by its service
    turn NXDOMAIN above them into NODATA.
    """
    local = (local_name.name for local_name in compiled.local)
    passing = {*compiled.excepted, *compiled.allowed_names, *local}
    return sorted(map(names.index_key, passing))


def merged(*keys: Iterable[bytes]) -> Keys:
    """Several sequences of keys as one."""
    return [key for key, _ in itertools.groupby(sorted(itertools.chain(*keys)))]


def within(keys: Keys, tops: Keys) -> Iterator[bytes]:
    """Those of some keys that begin with one of ``tops``, which are sorted; each once."""
    at = 0
    for top in tops:
        at = bisect.bisect_left(keys, top, at)
        while at < len(keys) and keys[at].startswith(top):
            yield keys[at]
            at += 1
