"""What answers to the control names prove that a server validates, and that it rewrites."""

import pytest
from dnslib import RCODE, RR, DNSHeader, DNSRecord

from resolver.dns import names
from resolver.dns.response import Response, scan
from resolver.policy.filter_addresses import FilterAddresses
from resolver.transport.loop import Loop
from resolver.upstream.validation_probe import Probed, ProbedNames, fault_of, is_passed, probe
from tests.exchange.filtered import FILTER, FILTERED
from tests.upstream.forwarding import Upstream, address_of
from tests.upstream.virtual_time import run

Said = tuple[str, bool] | None
"""The rcode and AD; None where no answer came."""

SIGNED, BOGUS, UNCHECKED = ("NOERROR", True), ("SERVFAIL", False), ("NOERROR", False)


def _response(said: Said) -> Response | None:
    if said is None:
        return None
    rcode, authentic = said
    header = DNSHeader(qr=1, ra=1, ad=authentic, rcode=getattr(RCODE, rcode))
    return scan(bytes(DNSRecord(header, q=DNSRecord.question("www.example.org").q).pack()))


def test_all_three_together_prove_it() -> None:
    assert is_passed(*map(_response, (SIGNED, BOGUS, UNCHECKED)))


@pytest.mark.parametrize(
    ("signed", "bogus", "unchecked"),
    [
        (None, None, None),
        (None, BOGUS, UNCHECKED),
        (SIGNED, None, UNCHECKED),
        (SIGNED, BOGUS, None),
        (("NOERROR", False), BOGUS, UNCHECKED),  # it does not say what is authentic
        (("NXDOMAIN", True), BOGUS, UNCHECKED),  # the name has gone
        (SIGNED, ("NOERROR", True), ("NOERROR", True)),  # it sets AD on everything
        (SIGNED, ("NOERROR", False), UNCHECKED),  # it validates nothing
        (SIGNED, ("NXDOMAIN", True), ("NXDOMAIN", True)),  # the name has gone
        (SIGNED, ("REFUSED", False), UNCHECKED),  # it is blocked
        (SIGNED, BOGUS, ("SERVFAIL", False)),  # the name's servers are down
    ],
)
def test_anything_else_proves_nothing(signed: Said, bogus: Said, unchecked: Said) -> None:
    assert not is_passed(*map(_response, (signed, bogus, unchecked)))


@pytest.mark.parametrize("rcode", ["REFUSED", "NXDOMAIN", "NOTIMP", "SERVFAIL", "FORMERR"])
def test_an_error_for_a_name_that_exists_is_wrong(rcode: str) -> None:
    assert fault_of(_response((rcode, False))) == rcode


def test_an_answer_that_says_nothing_about_the_name_is_wrong() -> None:
    referral = DNSRecord.question("www.example.org").reply(ra=0, aa=0)
    referral.add_auth(*RR.fromZone("org 300 NS ns.example.org."))
    assert fault_of(scan(bytes(referral.pack()))) == "neither records nor a denial"


@pytest.mark.parametrize("said", [None, SIGNED, UNCHECKED])
def test_no_answer_and_no_error_are_not_wrong(said: Said) -> None:
    assert fault_of(_response(said)) == ""


MADE_UP = names.parse("made-up.example")


def _probed(
    zone: str, made_up: bytes = MADE_UP, of_filter: FilterAddresses | None = None
) -> Probed:
    """What a probe finds of a server that has these records, and NXDOMAIN for all other names."""
    records = RR.fromZone(zone)

    def answering(query: DNSRecord) -> bytes:
        response = query.reply(ra=1)
        found = [record for record in records if record.rname == query.q.qname]
        response.add_answer(*found)
        response.header.rcode = RCODE.NOERROR if found else RCODE.NXDOMAIN
        return bytes(response.pack())

    found: list[Probed] = []

    async def play(loop: Loop) -> None:
        upstream = Upstream(loop, answering)
        exists, other = names.parse("exists.example"), names.parse("other.example")
        asked = ProbedNames(exists, made_up, other, other, of_filter)
        found.append(await probe(address_of(upstream), asked))
        upstream.close()

    run(play)
    return found[0]


EXISTS = "exists.example. 60 A 192.0.2.1\n"


@pytest.mark.parametrize(
    ("zone", "rewrites"),
    [
        ("made-up.example. 60 A 192.0.2.7", True),
        ("made-up.example. 60 CNAME ads.example.\nads.example. 60 A 192.0.2.7", False),
        ('made-up.example. 60 TXT "no such name"', False),
        ("", False),
    ],
)
def test_an_address_for_a_made_up_name_is_rewriting(zone: str, rewrites: bool) -> None:
    assert _probed(EXISTS + zone) == Probed(validates=False, wrong="", rewrites=rewrites)


@pytest.mark.parametrize("names_with_it", [("exists", "other", "made-up"), ("exists", "other")])
def test_an_address_of_the_national_filter_is_wrong_for_a_made_up_name_alone(
    names_with_it: tuple[str, ...],
) -> None:
    zone = "".join(f"{name}.example. 60 A {FILTERED}\n" for name in names_with_it)
    rewrites = "made-up" in names_with_it
    assert _probed(zone, of_filter=FILTER) == Probed(validates=False, wrong="", rewrites=rewrites)


def test_a_server_of_a_zone_is_asked_for_no_made_up_name() -> None:
    assert not _probed(EXISTS + "made-up.example. 60 A 192.0.2.7", made_up=b"").rewrites
