"""The Extended DNS Error of each zone: 16 where a directive is behind all that it blocks."""

import pytest

from resolver.dns import names
from resolver.policy.settings import Publication
from resolver.publish.resolver_vlans import resolver_vlans
from tests.policy.networks import ALLOWING, CONFIG, snapshot_of

PUBLICATION = Publication((), names.parse("policy.example"), "", ())
WITHOUT_DENY = CONFIG.replace('deny = ["b.example", "|c.example^"]', "")
HALF = WITHOUT_DENY.replace('covers = ["@messenger"]', 'covers = ["one"]')


@pytest.mark.parametrize(
    ("config", "censored"),
    [
        pytest.param(WITHOUT_DENY, (True, True), id="a directive covers all"),
        pytest.param(CONFIG, (False, True), id="and the policy denies names"),
        pytest.param(HALF, (False, False), id="a directive covers half"),
        pytest.param(ALLOWING, (False, False), id="the default blocks"),
    ],
)
def test_a_zone_is_censored_where_a_directive_is_behind_all_that_it_blocks(
    config: str, censored: tuple[bool, bool]
) -> None:
    first = next(iter(resolver_vlans(snapshot_of(config).compiled, PUBLICATION)))
    assert tuple(zone.censored for zone in first.zones) == censored
