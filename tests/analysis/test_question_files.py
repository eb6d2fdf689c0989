"""Files of questions: what each format holds, and that rubbish is counted and never raises."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.analysis.queries import detect, recorded
from resolver.analysis.queries.query import (
    ANY_REQUESTER,
    Question,
    Requester,
    UnknownFormat,
)
from resolver.analysis.queries.recorded import RecordingHeader
from resolver.dns import codes, names


def asks(who: Requester, name: str, qtype: int = codes.A) -> Question:
    return Question(who, names.parse(name), qtype)


# ---- dnsperf's lines ----


def test_lines_of_names_and_types() -> None:
    asked = detect.read(
        b"; a comment\n\nWeb.Telegram.ORG A\r\nt.me\tTYPE65\n# another\nt.me HTTPS\nx.ir. a"
    )
    assert asked.counts == {
        asks(ANY_REQUESTER, "web.telegram.org"): 1,
        asks(ANY_REQUESTER, "t.me", codes.HTTPS): 2,
        asks(ANY_REQUESTER, "x.ir"): 1,
    }
    assert asked.skipped == {}
    assert asked.total == 4


def test_broken_lines_are_counted_with_the_first_of_each_kind() -> None:
    good = b"t.me A\n" * 8
    bad = b"a..b A\nt.me BANANA\nt.me\nb..c A\n\xff A\n" + b"x" * 5000 + b" A\nme t.me A\n"
    asked = detect.read(good + bad)
    assert asked.total == 8
    assert asked.skipped == {
        "not a domain name": 3,
        "not a record type": 1,
        "not a name and a type": 1,
        "not UTF-8": 1,
        "not a client's address": 1,
    }
    assert asked.first["not a domain name"] == "line 9"


def test_lines_that_tshark_prints_of_a_capture() -> None:
    """``tshark -T fields -e ip.src -e ipv6.src -e dns.qry.name -e dns.qry.type``."""
    asked = detect.read(b"10.10.3.7\t\tt.me\t65\n\tfd00:10::37\tt.me\t1\n10.10.3.7\t\tt.me\t65\n")
    assert asked.counts == {
        asks(Requester(client="10.10.3.7"), "t.me", codes.HTTPS): 2,
        asks(Requester(client="fd00:10::37"), "t.me"): 1,
    }
    assert asked.skipped == {}


# ---- what darban record writes ----

ROWS = [
    ("administration", names.parse("t.me"), codes.A, 3),
    ("administration", names.parse("web.telegram.org"), codes.HTTPS, 400),
    ("publicity", names.parse(r"odd\009label.example"), 65280, 1),
]
HEADING = RecordingHeader(
    "2026-11-24T08:00:00Z", 10.0, ["administration", "publicity"], {"publicity": 2}
)


def test_a_recording_is_read_as_it_was_written() -> None:
    text = "".join(recorded.format_recording(HEADING, ROWS))
    assert text.splitlines()[1:3] == [
        "# vlan\tname\ttype\tquestions",
        "administration\tweb.telegram.org\tHTTPS\t400",
    ]
    asked = detect.read(text.encode())
    assert asked.counts == {Question(Requester(vlan=v), n, t): times for v, n, t, times in ROWS}
    assert asked.skipped == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["administration", "publicity"]),
            st.binary(min_size=1, max_size=20).map(
                lambda label: bytes([len(label)]) + label.lower() + b"\x00"
            ),
            st.integers(1, 65535),
            st.integers(1, 10**9),
        ),
        unique_by=lambda row: row[:3],
    )
)
def test_any_recording_is_read_as_it_was_written(rows: list[recorded.Row]) -> None:
    asked = detect.read("".join(recorded.format_recording(HEADING, rows)).encode())
    assert asked.counts == {Question(Requester(vlan=v), n, t): times for v, n, t, times in rows}


def test_what_had_no_room_in_a_recording() -> None:
    text = "".join(recorded.format_recording(HEADING, ROWS)).encode()
    assert detect.read(text).not_recorded == {"publicity": 2}


@pytest.mark.parametrize("header", ["", "{", "[]", '{"began": 1}', '{"left_out": {"a": "b"}}'])
def test_a_damaged_first_line_names_nothing(header: str) -> None:
    assert detect.read(f"# darban record 1 {header}\n".encode()).not_recorded == {}


def test_broken_lines_of_a_recording() -> None:
    text = (
        "".join(recorded.format_recording(HEADING, ROWS))
        + "a\tt.me\tA\n\tt.me\tA\t1\na\tt.me\tA\t-1\n"
    )
    asked = detect.read(text.encode())
    assert asked.total == 404
    assert asked.skipped == {
        "not a VLAN, a name, a type and a number, with tabs in between": 2,
        "not a number of questions": 1,
    }


def test_a_recording_of_another_version_is_named_so() -> None:
    text = "".join(recorded.format_recording(HEADING, ROWS)).replace("record 1", "record 2")
    with pytest.raises(UnknownFormat, match="version '2'; expected version 1"):
        detect.read(text.encode())


# ---- any file ----

BEGINNINGS = st.sampled_from([b"", b"t.me A\n", recorded.MARK + b"1 {}\n"])


@given(BEGINNINGS, st.binary(max_size=400))
def test_rubbish_never_raises(beginning: bytes, rest: bytes) -> None:
    with contextlib.suppress(UnknownFormat):
        detect.read(beginning + rest)


@given(st.text(max_size=60))
def test_any_text_on_a_line_never_raises(text: str) -> None:
    detect.read(b"t.me A\n" * 60 + text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "a file that begins with '"),
        (b"# Hello\nthis is a letter\n", "a file that begins with '# Hello'"),
        (b"t.me\nwa.me\n", "a file that begins with 't.me'"),
    ],
)
def test_a_file_of_another_kind_is_named_so(content: bytes, said: str) -> None:
    with pytest.raises(UnknownFormat) as raised:
        detect.read(content)
    assert said in str(raised.value)
    assert "expected a file of 'darban record', or lines" in str(raised.value)
