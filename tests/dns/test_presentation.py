"""Records as an operator writes them."""

import re

import pytest

from resolver.dns.presentation import InvalidRecord, parse, text


@pytest.mark.parametrize(
    ("rtype", "data"),
    [
        *(("A", "foo"), ("AAAA", "10.0.0.1"), ("HTTPS", "1"), ("MX", "mail"), ("PTR", "")),
        *(("SRV", "1 2 x"), ("SVCB", "."), ("TXT", "")),
    ],
)
def test_data_of_another_form_are_refused_with_an_example(rtype: str, data: str) -> None:
    with pytest.raises(InvalidRecord) as refused:
        parse(rtype, data)
    said = re.fullmatch(
        f"'{re.escape(data)}' does not fit the type {rtype}; an example is {rtype} (.+)",
        str(refused.value),
    )
    assert said is not None, str(refused.value)
    assert text(parse(rtype, said[1])).rstrip(".") == f"{rtype} {said[1]}"


def test_data_of_a_type_without_an_example() -> None:
    with pytest.raises(InvalidRecord) as refused:
        parse("CAA", "0 issue")
    assert str(refused.value) == "'0 issue' does not fit the type CAA"
