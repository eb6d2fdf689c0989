"""The builders of large tables give way to an event loop beside them."""

from collections.abc import Callable, Iterator
from itertools import groupby

import pytest

from resolver.policy.building import Pause, ancestors, networks, no_pause
from resolver.policy.prefix import Prefix

LONGEST = 300
"""Values between two pauses, at most: less than a millisecond."""
NAMES = [b"\4%04d\3org\0" % number for number in range(1000)]
PREFIXES = [Prefix(number.to_bytes(4, "big"), 32, 0) for number in range(1000)]
BUILDERS: dict[str, Callable[[Callable[[object], object], Pause], object]] = {
    "ancestors": lambda seen, pause: ancestors((n for n in NAMES if seen(n)), pause=pause),
    "networks": lambda seen, pause: networks((p for p in PREFIXES if seen(p)), pause),
}


@pytest.mark.parametrize("builder", BUILDERS)
def test_it_pauses_after_every_few_hundred_values(builder: str) -> None:
    events: list[str] = []

    def seen(_: object) -> bool:
        events.append("value")
        return True

    built = BUILDERS[builder](seen, lambda: events.append("pause"))
    assert events.count("value") == len(NAMES)
    assert max(_values_between_pauses(events)) <= LONGEST
    assert built == BUILDERS[builder](lambda _: True, no_pause)


def _values_between_pauses(events: list[str]) -> Iterator[int]:
    for event, several in groupby(events):
        if event == "value":
            yield len(list(several))
