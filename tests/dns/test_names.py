"""Names in wire form: what must stay true of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dns import names

LABELS = st.binary(min_size=1, max_size=63).map(bytes.lower)


def wire(labels: list[bytes]) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"


NAMES = st.lists(LABELS, max_size=6).map(wire).filter(lambda name: len(name) <= 255)
LOOKALIKES = [b"a", b"b", b"a.b", b"\x01a", b"\x00", b"\x01" + b"a" * 44, b"a" * 32]
"""Labels that look like boundaries; the length of one is the octet of a hyphen."""
SHORT = st.lists(st.sampled_from(LOOKALIKES), max_size=4).map(wire)
"""Names that are often within each other."""


@given(SHORT | NAMES)
def test_the_text_of_a_name_reads_as_the_name(name: bytes) -> None:
    assert names.parse(names.text(name)) == name


@given(st.text(st.characters(max_codepoint=0x7E), max_size=80))
def test_a_text_is_a_name_or_the_reason_why_not(text: str) -> None:
    try:
        name = names.parse(text)
    except names.InvalidName:
        return
    assert names.parse(names.text(name)) == name
    assert len(name) <= names.MAX_NAME


@given(SHORT | NAMES, SHORT | NAMES)
def test_a_key_is_a_prefix_where_the_name_is_above(a: bytes, b: bytes) -> None:
    above = names.labels(b)[-len(names.labels(a)) :] == names.labels(a) or a == names.ROOT
    assert names.index_key(b).startswith(names.index_key(a)) or not above
    assert names.is_within(b, a) == above
    assert (a in names.zones(b)) == above


@given(NAMES)
def test_a_key_gives_its_name_back(name: bytes) -> None:
    assert names.from_index_key(names.index_key(name)) == name


@given(NAMES)
def test_zones_go_up_a_label_at_a_time(name: bytes) -> None:
    labels = names.labels(name)
    assert list(names.zones(name)) == [wire(labels[n:]) for n in range(len(labels) + 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "Web.Telegram.org": b"\x03web\x08telegram\x03org\x00",
        "t.me.": b"\x01t\x02me\x00",
        ".": b"\x00",
        r"a\.b.c": b"\x03a.b\x01c\x00",
        r"\065.c": b"\x01a\x01c\x00",
        r"\000.c": b"\x01\x00\x01c\x00",
        "پیام.ایران": b"\x0dxn--mgb4dri0l\x0fxn--mgba3a4f16a\x00",
    }.items(),
)
def test_a_text_is_read(text: str, expected: bytes) -> None:
    assert names.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["", "..", "a..b", ".a", r"a\25", r"a\256", "a\\", "a" * 64, ".".join(["a" * 63] * 4)]
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(names.InvalidName):
        names.parse(text)
