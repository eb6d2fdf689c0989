"""What one VLAN, one zone or one client has on its way leaves room for the others."""

import itertools
from collections.abc import Iterator

import pytest

from resolver.dns import names
from resolver.exchange.admission import (
    COMMON,
    OF_PREFIX,
    OWN,
    PER_ADDRESS,
    PER_CUT_DOMAIN,
    PER_PARENT,
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
_BELOW = names.parse("www.victim.gov.ir")


def flood(admission: Admission, below: str, client: bytes, questions: int) -> list[Shares | None]:
    asked = (names.parse(f"r{n}.{below}") for n in range(questions))
    return [admission.enter(name, HERE, client) for name in asked]


def crowd(vlan: int) -> Iterator[tuple[bytes, int, bytes]]:
    """Questions of a VLAN, each for a zone and from a client prefix of its own."""
    for number in itertools.count():
        client = packed(f"fd00:{vlan:x}:{number:x}::5")
        yield names.parse(f"a.b.z{number}-{vlan}"), vlan, client


def fill(admission: Admission, vlan: int) -> int:
    """Ask from a VLAN until there is no room; how many questions had room."""
    asked = itertools.takewhile(lambda row: admission.enter(*row) is not None, crowd(vlan))
    return sum(1 for _ in asked)


def test_a_flood_below_one_agency_leaves_the_others_of_its_country() -> None:
    admission = Admission()
    let_in = flood(admission, "victim.gov.ir", CLIENT, 3 * PER_ZONE)
    assert sum(shares is not None for shares in let_in) == UNCOUNTED + PER_ZONE // 2
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
    clients = [packed(host) for host in hosts]
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
    for _ in range(PER_ZONE):
        admission.enter(_BELOW, HERE, OTHER)
    assert admission.enter(_BELOW, HERE, CLIENT) is None
    let_in = [admission.enter(_BELOW, ELSEWHERE, CLIENT) for _ in range(PER_ZONE)]
    assert sum(shares is not None for shares in let_in) == PER_ZONE // 2


@pytest.mark.parametrize("cut", [b"", b"ir"])
@pytest.mark.parametrize("addresses", [1, 4, 12])
def test_who_has_most_yields_to_who_has_little(addresses: int, cut: bytes) -> None:
    """Addresses of a /24 ask below eight names of co.ir for all that they can."""
    bound, admission = PER_CUT_DOMAIN if cut else PER_PARENT, Admission()
    admission.divide(1)
    for number in range(2 * bound):
        name = names.parse(f"r{number}.dead{number % 8}.co.ir")
        admission.enter(name, HERE, packed(f"10.10.0.{1 + number % addresses}"), cut)
    for neighbour in ("10.10.0.99", "10.10.1.5", "10.30.0.5"):
        name = names.parse("www.new.co.ir")
        let_in = [admission.enter(name, HERE, packed(neighbour), cut) for _ in range(15)]
        assert None not in let_in
    assert admission.enter(names.parse("www.dead0.co.ir"), HERE, packed("10.10.0.1"), cut) is None


def test_a_prefix_leaves_room_however_many_addresses_it_has() -> None:
    admission = Admission()
    for number in range(3 * PER_PARENT):
        name = names.parse(f"r{number}.dead{number % 8}.co.ir")
        admission.enter(name, HERE, packed(f"fd00:10::{number:x}"))
    let_in = [
        admission.enter(names.parse("www.new.co.ir"), HERE, packed("10.10.0.5"))
        for _ in range(PER_PARENT // (OF_PREFIX + 1) // 2)
    ]
    assert None not in let_in


def test_a_domain_that_is_cut_leaves_other_domains_and_other_vlans_their_room() -> None:
    admission = Admission()
    admission.divide(8)
    hang = itertools.takewhile(lambda row: admission.enter(*row, b"ir") is not None, crowd(HERE))
    assert sum(1 for _ in hang) == PER_CUT_DOMAIN
    there = itertools.takewhile(
        lambda row: admission.enter(*row, b"ir") is not None, crowd(ELSEWHERE)
    )
    assert sum(1 for _ in there) == OWN // 8
    assert fill(admission, HERE) == COMMON - PER_CUT_DOMAIN - OWN // 8


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
    let_in = [admission.enter(*question) for question in questions]
    assert None not in let_in
    assert admission.enter(*questions[0]) is None
    for shares in let_in:
        assert shares is not None
        admission.leave(shares)
    assert fill(admission, HERE) == COMMON
