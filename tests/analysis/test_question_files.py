"""Files of questions: what each format holds, and that rubbish is counted and never raises."""

import contextlib
import mmap
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.analysis.queries import detect, recorded
from resolver.analysis.queries.query import (
    ANY_REQUESTER,
    FileContent,
    QueryCounts,
    Question,
    Requester,
    UnknownFormat,
)
from resolver.analysis.queries.recorded import RecordingHeader
from resolver.dns import codes, names
from tests.analysis.made_captures import (
    ETHERNET,
    LINKS,
    RAW,
    V4,
    V6,
    block,
    enhanced,
    interface,
    ip,
    on_link,
    pcap,
    pcapng,
    question,
    section,
    simple,
    tcp,
    udp,
)

PORTS = frozenset({53})


def read(content: FileContent, ports: frozenset[int] = PORTS) -> QueryCounts:
    asked = QueryCounts()
    places = list(detect.read(content, asked, ports))
    assert places == sorted(places)
    assert all(0 < place <= len(content) for place in places)
    return asked


def asks(who: Requester, name: str, qtype: int = codes.A) -> Question:
    return Question(who, names.parse(name), qtype)


# ---- dnsperf's lines ----


def test_lines_of_names_and_types() -> None:
    asked = read(
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
    good = b"t.me A\n" * 7
    bad = b"a..b A\nt.me BANANA\nt.me\nb..c A\n\xff A\n" + b"x" * 5000 + b" A\n"
    asked = read(good + bad)
    assert asked.total == 7
    assert asked.skipped == {
        "not a domain name": 2,
        "not a record type": 1,
        "not a name and a type": 1,
        "not UTF-8": 1,
        "a line that is too long": 1,
    }
    assert asked.first["not a domain name"] == "line 8"


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
    asked = read(text.encode())
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
    asked = read("".join(recorded.format_recording(HEADING, rows)).encode())
    assert asked.counts == {Question(Requester(vlan=v), n, t): times for v, n, t, times in rows}


def test_broken_lines_of_a_recording() -> None:
    text = (
        "".join(recorded.format_recording(HEADING, ROWS))
        + "a\tt.me\tA\n\tt.me\tA\t1\na\tt.me\tA\t-1\n"
    )
    asked = read(text.encode())
    assert asked.total == 404
    assert asked.skipped == {
        "not a VLAN, a name, a type and a number, with tabs in between": 2,
        "not a number of questions": 1,
    }


def test_a_recording_of_another_version_is_named_so() -> None:
    text = "".join(recorded.format_recording(HEADING, ROWS)).replace("record 1", "record 2")
    with pytest.raises(UnknownFormat, match="version '2'; expected version 1"):
        read(text.encode())


# ---- captures ----

FRAMES = [
    ip(V4, udp(question("web.telegram.org"))),
    ip(V6, udp(question("T.ME", "HTTPS"))),
    ip(V4, tcp([question("web.telegram.org"), question("wa.me", "AAAA")])),
    ip(V6, tcp([question("wa.me")])),
]
TOLD = {
    asks(Requester(client=V4), "web.telegram.org"): 2,
    asks(Requester(client=V6), "t.me", codes.HTTPS): 1,
    asks(Requester(client=V4), "wa.me", codes.AAAA): 1,
    asks(Requester(client=V6), "wa.me"): 1,
}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_questions_of_every_link(link: int, order: str) -> None:
    frames = [on_link(link, each) for each in FRAMES]
    for capture in (
        pcap(link, frames, order),
        pcap(link, frames, order, nanoseconds=True),
        pcapng(link, frames, order),
    ):
        asked = read(capture)
        assert asked.counts == TOLD
        assert asked.skipped == {}


@pytest.mark.parametrize("tags", [1, 2])
def test_tagged_frames(tags: int) -> None:
    frames = [on_link(ETHERNET, each, tags) for each in FRAMES]
    assert read(pcap(ETHERNET, frames)).counts == TOLD


def test_every_kind_of_block() -> None:
    v4, v6, stream, other = FRAMES
    old = struct.pack("<HHIIII", 1, 0, 0, 0, len(on_link(ETHERNET, v6)), len(on_link(ETHERNET, v6)))
    content = (
        section()
        + interface(RAW)
        + interface(ETHERNET)
        + block(4, b"\x00\x00\x00\x00")  # names, passed by
        + simple(v4)
        + block(2, old + on_link(ETHERNET, v6))
        + section(">")
        + interface(RAW, ">")
        + enhanced(0, stream, ">")
        + enhanced(0, other, ">")
    )
    asked = read(content)
    assert asked.counts == TOLD
    assert asked.skipped == {}


def test_what_else_is_in_a_capture_is_passed_by() -> None:
    answer = bytearray(question("t.me"))
    answer[2] |= 0x80
    others = [
        b"",
        bytes(14),
        ip(V4, udp(question("t.me"), port=5353)),
        ip(V4, (1, bytes(64))),
        ip(V4, tcp([])),
        ip(V4, udp(question("t.me")), fragment=100),
        ip(V4, udp(bytes(answer))),
    ]
    asked = read(pcap(RAW, [*others, FRAMES[0]]))
    assert asked.counts == {asks(Requester(client=V4), "web.telegram.org"): 1}
    assert asked.skipped == {}


def test_what_cannot_be_read_is_counted() -> None:
    whole = ip(V4, udp(question("t.me")))
    part = ip(V4, (6, tcp([question("t.me")])[1][:-3]))
    other_opcode = bytearray(question("t.me"))
    other_opcode[2] = 0x28
    frames = [FRAMES[0], whole[:-3], part, ip(V4, udp(bytes(other_opcode))), ip(V4, udp(b"dns"))]
    asked = read(pcap(RAW, frames))
    assert asked.total == 1
    assert asked.skipped == {
        "a packet that is not whole": 1,
        "a TCP segment that does not hold whole messages": 1,
        "a query that is answered with an error under any policy": 1,
        "no DNS message": 1,
    }
    assert asked.first["a packet that is not whole"] == "packet 2"


def test_a_link_that_is_not_known_is_named() -> None:
    asked = read(pcap(127, [b"radio"]))
    [reason] = asked.skipped
    assert reason.startswith("link type 127; read are Ethernet")


def test_other_ports_are_read_where_they_are_asked_for() -> None:
    capture = pcap(RAW, [ip(V4, udp(question("t.me"), port=5300))])
    assert read(capture).counts == {}
    assert read(capture, PORTS | {5300}).total == 1


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_a_capture_that_breaks_off_counts_up_to_there(make) -> None:  # noqa: ANN001
    whole = make(RAW, FRAMES)
    for size in range(24, len(whole)):
        asked = read(whole[:size])
        assert asked.total <= sum(TOLD.values())
        assert set(asked.skipped) <= {"the file breaks off"}
    assert read(whole[:-1]).skipped == {"the file breaks off": 1}


def test_lengths_that_cannot_be() -> None:
    begun = pcap(RAW, FRAMES)
    huge = struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 0xFFFFFFFF)
    assert read(begun + huge).skipped == {"the file is broken from here on": 1}
    begun = pcapng(RAW, FRAMES)
    for length in (0, 8, 13, 0xFFFFFFFC):
        asked = read(begun + struct.pack("<II", 6, length) + bytes(8))
        assert asked.counts == TOLD
        assert asked.skipped == {"the file is broken from here on": 1}


# ---- any file ----

CAPTURES = [
    make(link, [on_link(link, f) for f in FRAMES]) for make in (pcap, pcapng) for link in LINKS
]


@given(st.sampled_from(CAPTURES), st.data())
def test_a_harmed_capture_never_raises(capture: bytes, data: st.DataObject) -> None:
    harmed = bytearray(capture)
    for _ in range(data.draw(st.integers(1, 8))):
        harmed[data.draw(st.integers(4, len(harmed) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(harmed))


BEGINNINGS = st.sampled_from(
    [b"", b"t.me A\n", recorded.MARK + b"1 {}\n", *(capture[:28] for capture in CAPTURES)]
)


@given(BEGINNINGS, st.binary(max_size=400))
def test_rubbish_never_raises(beginning: bytes, rest: bytes) -> None:
    with contextlib.suppress(UnknownFormat):
        read(beginning + rest)


@given(st.text(max_size=60))
def test_any_text_on_a_line_never_raises(text: str) -> None:
    read(b"t.me A\n" * 60 + text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"\x1f\x8b\x08\x00rest", "a gzip file; unpack it first"),
        (b"\x89PNG\r\n\x1a\n", "begins with the octets 89 50 4e 47"),
        (b"\0\1\2rubbish", "begins with the octets 00 01 02 72"),
        (b"# Hello\nthis is a letter\n", "a text that begins with '# Hello'"),
        (b"t.me\nwa.me\n", "a text that begins with 't.me'"),
        (b"# names\nt.me A\nwa.me\n", "a text whose line 3, 'wa.me', is no question"),
    ],
)
def test_a_file_of_another_kind_is_named_so(content: bytes, said: str) -> None:
    with pytest.raises(UnknownFormat) as raised:
        read(content)
    assert said in str(raised.value)
    assert "expected a capture (pcap or pcapng), dnsperf's lines" in str(raised.value)


def test_a_mapped_file_is_read_as_one_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_bytes(b"t.me A\n" * 9000 + b"wa.me AAAA")
    with (
        file.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        assert read(mapped).counts == read(file.read_bytes()).counts
