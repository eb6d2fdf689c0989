"""What one zone or one client has on its way leaves room for the others."""

from resolver.dns import names
from resolver.engine.admission import PER_CLIENT, PER_ZONE, UNCOUNTED, Admission, Shares
from resolver.policy.prefixes import packed

CLIENT = packed("10.10.0.5")


def flood(admission: Admission, below: str, client: bytes, questions: int) -> list[Shares | None]:
    asked = (names.parse(f"r{n}.{below}") for n in range(questions))
    return [admission.enter(name, client) for name in asked]


def test_a_flood_below_one_agency_leaves_the_others_of_its_country() -> None:
    admission = Admission()
    let_in = flood(admission, "victim.gov.ir", CLIENT, 3 * PER_ZONE)
    assert sum(shares is not None for shares in let_in) == UNCOUNTED + PER_ZONE
    assert admission.enter(names.parse("www.tax.gov.ir"), packed("10.20.0.5")) is not None


def test_one_client_leaves_room_for_the_others() -> None:
    admission = Admission()
    for number in range(2 * PER_CLIENT):
        admission.enter(names.parse(f"www.site{number}.example"), CLIENT)
    assert admission.enter(names.parse("www.agency.test"), packed("10.10.0.6")) is None
    assert admission.enter(names.parse("www.agency.test"), packed("10.20.0.5")) is not None


def test_a_place_that_is_given_back_is_free_again() -> None:
    admission = Admission()
    let_in = flood(admission, "victim.example.org", CLIENT, 3 * PER_ZONE)
    for shares in let_in:
        if shares is not None:
            admission.leave(shares)
    again = flood(admission, "victim.example.org", CLIENT, PER_ZONE)
    assert None not in again
