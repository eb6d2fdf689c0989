"""What one VLAN, one zone or one client has on its way leaves room for the others."""

import itertools
from collections.abc import Iterator

import pytest

from resolver.dns import names
from resolver.engine.admission import (
    COMMON,
    OWN,
    PER_CLIENT,
    PER_ZONE,
    UNCOUNTED,
    Admission,
    Shares,
)
from resolver.policy.prefixes import packed

CLIENT = packed("10.10.0.5")
OTHER = packed("10.20.0.5")
HERE, ELSEWHERE = 0, 1
"""Two VLANs."""


def flood(admission: Admission, below: str, client: bytes, questions: int) -> list[Shares | None]:
    asked = (names.parse(f"r{n}.{below}") for n in range(questions))
    return [admission.enter(name, HERE, client) for name in asked]


def crowd(vlan: int) -> Iterator[tuple[bytes, int, bytes]]:
    """Questions of a VLAN, each for a zone and from a client prefix of its own."""
    for number in itertools.count():
        client = packed(f"10.{vlan}.{number % 251}.5")
        yield names.parse(f"a.b.z{number}-{vlan}"), vlan, client


def fill(admission: Admission, vlan: int) -> int:
    """Ask from a VLAN until there is no room; how many questions had room."""
    asked = itertools.takewhile(lambda each: admission.enter(*each) is not None, crowd(vlan))
    return sum(1 for _ in asked)


def test_a_flood_below_one_agency_leaves_the_others_of_its_country() -> None:
    admission = Admission()
    let_in = flood(admission, "victim.gov.ir", CLIENT, 3 * PER_ZONE)
    assert sum(shares is not None for shares in let_in) == UNCOUNTED + PER_ZONE
    assert admission.enter(names.parse("www.tax.gov.ir"), HERE, OTHER) is not None


def test_one_client_leaves_room_for_the_others() -> None:
    admission = Admission()
    for number in range(2 * PER_CLIENT):
        admission.enter(names.parse(f"www.site{number}.example"), HERE, CLIENT)
    asked = names.parse("www.agency.test")
    assert admission.enter(asked, HERE, packed("10.10.0.6")) is None
    assert admission.enter(asked, HERE, OTHER) is not None


def test_a_flood_below_a_zone_and_a_client_prefix_count_in_their_vlan_alone() -> None:
    """A VLAN may have half of a /24, and another VLAN the other half."""
    admission = Admission()
    flood(admission, "victim.gov.ir", CLIENT, 3 * PER_ZONE)
    asked = names.parse("www.victim.gov.ir")
    assert admission.enter(asked, HERE, OTHER) is None
    assert admission.enter(asked, ELSEWHERE, CLIENT) is not None


@pytest.mark.parametrize("vlans", [2, 7, 100])
def test_each_vlan_finds_room_for_its_share_whatever_the_others_do(vlans: int) -> None:
    admission = Admission()
    admission.divide(vlans)
    assert fill(admission, 0) == COMMON
    for vlan in range(1, vlans):
        assert fill(admission, vlan) == OWN // vlans
    assert fill(admission, 0) == 0
    assert fill(admission, vlans - 1) == 0


def test_a_vlan_has_what_nobody_else_needs() -> None:
    admission = Admission()
    admission.divide(50)
    assert fill(admission, ELSEWHERE) == COMMON


def test_a_place_that_is_given_back_is_free_again() -> None:
    admission = Admission()
    admission.divide(2)
    questions = list(itertools.islice(crowd(HERE), COMMON))
    let_in = [admission.enter(*each) for each in questions]
    assert None not in let_in
    assert admission.enter(*questions[0]) is None
    for shares in let_in:
        assert shares is not None
        admission.leave(shares)
    assert fill(admission, HERE) == COMMON
