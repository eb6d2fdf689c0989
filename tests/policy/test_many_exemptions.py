"""What a config's exemptions cost: each reader goes through their prefixes once, however many."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from resolver.analysis.summary import summarize
from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import exemption_details
from resolver.policy.policy_hash import policy_hash
from resolver.policy.prefix import Prefix
from tests.policy.networks import CONFIG, snapshot_of

ENDED = """
[[exemptions]]
id = "ended-{0}"
prefixes = ["10.10.{0}.0/24"]
services = ["one"]
until = 2020-01-01T00:00:00Z
approver = "A"
ticket = "T"
"""


class CountedPasses(tuple[Prefix, ...]):
    """The prefixes of exemptions; counts how often somebody goes through them."""

    passes = 0

    def __iter__(self) -> Iterator[Prefix]:
        type(self).passes += 1
        return super().__iter__()


@pytest.mark.parametrize(
    "read",
    [
        lambda compiled: list(exemption_details(compiled)),
        lambda compiled: policy_hash(replace(compiled, sources=(), ranges=())),
        lambda compiled: summarize(compiled, dt.UTC),
    ],
    ids=["details", "policy hash", "summary"],
)
def test_the_prefixes_of_many_exemptions_are_read_once(
    read: Callable[[CompiledConfig], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = snapshot_of(CONFIG + "".join(map(ENDED.format, range(50)))).compiled
    monkeypatch.setattr(CountedPasses, "passes", 0)
    read(replace(compiled, exempted_prefixes=CountedPasses(compiled.exempted_prefixes)))
    assert CountedPasses.passes == 1
