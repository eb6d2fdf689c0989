"""What one VLAN, one zone or one client has on its way leaves room for the others."""

import itertools
from collections.abc import Iterator

import pytest

from resolver.dns import names
from resolver.exchange.admission import (
    COMMON,
    OWN,
    PER_ADDRESS,
    PER_PREFIX,
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


@pytest.mark.parametrize(
    ("hosts", "neighbour", "elsewhere"),
    [
        (["10.10.0.5"], "10.10.0.6", "10.20.0.5"),
        ([f"10.10.0.{n}" for n in range(100)], "10.10.0.200", "10.10.1.5"),
        ([f"fd00:10::a:{n:x}" for n in range(100)], "fd00:10::b", "fd00:10:0:1::5"),
    ],
    ids=["one address", "many of a /24", "many of a /64"],
)
def test_the_addresses_of_one_host_leave_room_for_its_neighbours(
    hosts: list[str], neighbour: str, elsewhere: str
) -> None:
    admission = Admission()
    clients = [packed(each) for each in hosts]
    for number in range(3 * COMMON):
        admission.enter(_name(number), HERE, clients[number % len(clients)])
    assert admission.enter(_name(0), HERE, clients[0]) is None
    assert len(list(_let_in(admission, packed(neighbour)))) == PER_ADDRESS
    assert len(list(_let_in(admission, packed(elsewhere)))) == PER_PREFIX


def _let_in(admission: Admission, client: bytes) -> Iterator[Shares]:
    """Ask from a client until there is no room."""
    for number in itertools.count(4 * COMMON):
        shares = admission.enter(_name(number), HERE, client)
        if shares is None:
            return
        yield shares


def _name(number: int) -> bytes:
    return names.parse(f"www.site{number}.example{number}")


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
