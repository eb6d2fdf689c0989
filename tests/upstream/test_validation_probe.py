"""What answers to the control names prove that a server validates."""

import pytest
from dnslib import RCODE, DNSHeader, DNSRecord

from resolver.dns.response import Response, scan
from resolver.upstream.validation_probe import is_passed

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
