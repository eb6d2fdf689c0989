"""Every format: what its lines mean, and that rubbish is skipped with a reason."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.compiler.index import build
from resolver.compiler.packed_rules import packed
from resolver.config.model import ListFormat
from resolver.dns import names
from resolver.lists.acceptance import (
    WIDE_EXCEPTION,
    change_to_hold,
    is_large_change,
    read_untrusted,
)
from resolver.lists.formats import FORMATS, guess_format
from resolver.lists.list_reader import by_reason, is_null_or_loopback
from resolver.lists.rules import BlockList, Rule, SkippedLine, count_blocking
from resolver.policy.index import Index, RuleMatch
from tests.lists.judged import is_blocked
from tests.lists.list_texts import LINES, SAMPLES, made
from tests.lists.obvious_matcher import matcher

each_format = pytest.mark.parametrize("kind", SAMPLES)


def _read(kind: str, text: str) -> BlockList:
    return FORMATS[kind](text, "service", "list")


def _blocks(read: BlockList, name: str) -> bool:
    hits: list[RuleMatch] = Index(*build([packed(read)])).match(names.parse(name))
    return is_blocked(read, hits)


def test_there_is_a_sample_of_every_format() -> None:
    assert SAMPLES.keys() == FORMATS.keys()


def test_a_config_may_name_every_format() -> None:
    assert set(get_args(ListFormat)) == FORMATS.keys()


@each_format
def test_a_line_means_what_the_format_s_makers_say(kind: str) -> None:
    sample = SAMPLES[kind]
    read = _read(kind, sample.text)
    assert [name for name in sample.blocked if not _blocks(read, name)] == []
    assert [name for name in sample.open if _blocks(read, name)] == []
    obvious = matcher(sample.text, kind)
    assert [name for name in sample.blocked if not obvious.blocks(name)] == []
    assert [name for name in sample.open if obvious.blocks(name)] == []


@each_format
def test_every_line_that_gives_no_rule_is_told_with_the_reason(kind: str) -> None:
    sample = SAMPLES[kind]
    skipped = {line.line: line.reason for line in _read(kind, sample.text).skipped}
    assert skipped.keys() == sample.skipped.keys()
    for line, part in sample.skipped.items():
        assert part in skipped[line], line


@each_format
def test_line_ends_and_a_byte_order_mark_change_nothing(kind: str) -> None:
    text = SAMPLES[kind].text
    assert _read(kind, "\ufeff" + text.replace("\n", "\r\n")).rules == _read(kind, text).rules


@each_format
def test_lines_that_only_carriage_returns_end_are_not_read_as_one(kind: str) -> None:
    mark = {"adblock": "!", "rpz": ";"}.get(kind, "#")
    lines = (LINES[kind].format(name) for name in ("a.example", "b.example"))
    for text in ("\r".join([*lines, ""]), f"{mark} a comment\r" + LINES[kind].format("a.example")):
        read = _read(kind, text)
        assert read.rules == ()
        assert [line.reason.partition(";")[0] for line in read.skipped] == [
            "a carriage return inside the line"
        ]


@each_format
def test_a_list_resembles_its_own_format(kind: str) -> None:
    text = made(kind, 100)
    assert guess_format(text) == ("plain" if kind == "suffix" else kind)


@each_format
@pytest.mark.parametrize("other", SAMPLES)
def test_a_list_of_another_format_is_refused(kind: str, other: str) -> None:
    accepted = read_untrusted(made(other, 100).encode(), kind, "service", "list")
    if kind == other or {kind, other} == {"plain", "suffix"}:  # no file shows which it is
        assert isinstance(accepted, BlockList)
        assert len(accepted.rules) == 100
    else:
        assert isinstance(accepted, str)
        assert f'it looks like format = "{other}"' in accepted or other == "suffix"


REFUSED = {
    "binary": (b"\x00\x01\x02", "binary"),
    "another encoding": ("a.example\nö.example\n".encode("latin-1"), "binary"),
    "a page": (b"\n <!DOCTYPE html>\n<p>Log in</p>\na.example\n", "a web page"),
    "nothing": (b"", "no rule"),
    "comments alone": (b"# nothing\n# at all\n", "no rule"),
    "mostly rubbish": (b"a.example\nx y\nx z\n", "2 lines cannot be read, 1 can"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_no_list_is_refused_whole(what: str) -> None:
    content, reason = REFUSED[what]
    accepted = read_untrusted(content, "plain", "service", "list")
    assert isinstance(accepted, str)
    assert reason in accepted


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        *((1000, 1000, False), (1000, 1500, False), (1000, 1501, True)),
        *((1000, 800, False), (1000, 799, True), (5, 4, False), (5, 3, True), (1, 1, False)),
        *((10, 210, False), (10, 211, True), (400, 600, False), (400, 601, True)),
    ],
)
def test_how_much_a_list_may_change(before: int, after: int, held: bool) -> None:
    assert is_large_change(before, after) is held


def test_a_change_names_what_comes_and_what_goes() -> None:
    before = _read("adblock", "||b.example^\n||a.example^\n@@||x.example^\n")
    after = _read("plain", "\n".join(["b.example", *(f"n{n:03}.example" for n in range(300))]))
    change = change_to_hold(before, after)
    assert str(change) == "301 names instead of 2: 300 come, 1 goes"
    assert change is not None
    assert change.first_going == ["a.example"]
    assert change.first_coming == [f"n{n:03}.example" for n in range(10)]


NAMES = "".join(f"||n{n}.example^\n" for n in range(10))


@pytest.mark.parametrize(
    ("exceptions", "said"),
    [
        ("@@||n0.example^\n@@||n1.example^\n", None),
        (
            "@@||n0.example^\n@@|n1.example^\n@@||n2.example^\n",
            "7 names instead of 10: 0 come, 3 go",
        ),
        ("@@||example^\n", "0 names instead of 10: 0 come, 10 go"),
        (
            "".join(f"@@||web.n{n}.example^\n" for n in range(3)),
            "10 names instead of 10: 0 come, 3 go",
        ),
        ("".join(f"@@||web.other{n}.example^\n" for n in range(9)), None),
    ],
    ids=["a fifth", "more", "above all", "below", "elsewhere"],
)
def test_an_exception_counts_as_the_loss_of_the_names_that_it_opens(
    exceptions: str, said: str | None
) -> None:
    before, after = _read("adblock", NAMES), _read("adblock", NAMES + exceptions)
    change = change_to_hold(before, after)
    assert (change and str(change)) == said
    assert change_to_hold(after, after) is None, "exceptions that the list had are no change"


def test_what_a_list_blocks_is_counted_after_its_exceptions() -> None:
    """As the judge reads them: by the longest match in a zone, and in others at any length."""
    text = "||a.example^\n|b.a.example^\n||c.example^\n@@||a.example^\n@@|c.example^\n"
    read = _read("adblock", text)
    assert count_blocking(read) == 0
    assert count_blocking(replace(read, longest_match=True)) == 1, "b.a.example"


def test_a_list_of_others_has_no_exception_for_names_of_many_owners() -> None:
    wide = ["@@||com^", "@@||co.uk^", "@@|ir^"]
    text = "\n".join(["||a.example^", *wide, "@@||b.a.example^"])
    accepted = read_untrusted(text.encode(), "adblock", "service", "list")
    assert isinstance(accepted, BlockList)
    assert [rule.text for rule in accepted.rules] == ["||a.example^", "@@||b.a.example^"]
    assert [(line.line, line.text) for line in accepted.skipped] == [*enumerate(wide, start=2)]
    assert all(line.reason.startswith(WIDE_EXCEPTION) for line in accepted.skipped)
    assert len(_read("adblock", text).rules) == 5, "a list of the agency's own may"


def test_rules_given_twice_are_not_lines_that_cannot_be_read() -> None:
    read = read_untrusted(b"a.example\n" * 10, "plain", "s", "l")
    assert isinstance(read, BlockList)
    assert (len(read.rules), by_reason(read.skipped)) == (1, {"the rule of line … again": 9})


def test_reasons_are_counted_without_what_they_quote() -> None:
    skipped = [SkippedLine(1, "", "'a' is long: 64"), SkippedLine(2, "", "'b.c' is long: 70")]
    assert by_reason([*skipped, SkippedLine(3, "", "other")]) == {"… is long: …": 2, "other": 1}


def test_the_zone_s_own_name_is_no_part_of_what_it_covers() -> None:
    zone = (
        "$ORIGIN rpz.agency.\n@ SOA a b 1 2 3 4 5\na.example.rpz.agency. CNAME .\nb.example CNAME ."
    )
    assert [rule.text for rule in _read("rpz", zone).rules] == ["|a.example^", "|b.example^"]
    zone = "rpz.agency. 1 IN SOA a b 1 2 3 4 5\na.example.rpz.agency. CNAME .\nc.example. CNAME ."
    read = _read("rpz", zone)
    assert [rule.text for rule in read.rules] == ["|a.example^"]
    assert [line.line for line in read.skipped] == [3]
    zone = (  # a dump that begins at the root
        "$ORIGIN .\n$TTL 300\t; 5 minutes\nrpz.agency\t\tIN SOA\ta. b. (\n1 ; serial\n2 3 4 5 )\n"
        "\t\t\tNS\tlocalhost.\n$ORIGIN rpz.agency.\na.example CNAME .\n"
        "$ORIGIN example.rpz.agency.\nb\tCNAME\t.\n*.b\tCNAME\t.\n"
    )
    read = _read("rpz", zone)
    assert [rule.text for rule in read.rules] == ["|a.example^", "||b.example^"]
    assert read.skipped == ()


@each_format
@pytest.mark.parametrize("suffix", ["CO.UK", "XN--55QX5D.CN", "Xn--55qx5d.Cn", "公司.CN"])
def test_a_public_suffix_in_capitals_is_refused(kind: str, suffix: str) -> None:
    read = _read(kind, LINES[kind].format(suffix) + "\n")
    assert read.rules == ()
    assert "is a public suffix" in read.skipped[0].reason


@pytest.mark.parametrize(
    ("address", "expected"),
    [("0.0.0.0", True), ("127.0.0.2", True), ("0::0", True), ("10.0.0.1", False), ("x", None)],
)
def test_which_addresses_lead_nowhere(address: str, expected: bool | None) -> None:
    assert is_null_or_loopback(address) is expected


PIECES = st.one_of(
    st.sampled_from([line.replace("{}", "") for line in LINES.values()]),
    st.sampled_from(["\n", "\r\n", " ", "\t", "#", ";", "$ORIGIN ", "$TTL 1", "(", ")", "@", "*."]),
    st.sampled_from(["a.example", "com", ".", "SOA", "CNAME", '"', "/"]),
    st.text(st.characters(), max_size=5),
)


@each_format
@given(st.lists(PIECES, max_size=30).map("".join))
def test_reading_rubbish_never_raises(kind: str, text: str) -> None:
    read = _read(kind, text)
    lines = text.count("\n") + 1
    assert all(1 <= rule.line <= lines for rule in read.rules)
    assert all(1 <= line.line <= lines for line in read.skipped)
    assert all(line.reason and len(line.text) <= 120 for line in read.skipped)
    assert len({rule[:3] for rule in read.rules}) == len(read.rules)
    for places in ([r.line for r in read.rules], [s.line for s in read.skipped]):
        assert places == sorted(places)


@each_format
@given(st.binary(max_size=200))
def test_accepting_any_octets_never_raises(kind: str, content: bytes) -> None:
    assert isinstance(read_untrusted(content, kind, "s", "l"), str | BlockList)


@each_format
@pytest.mark.parametrize("part", [" ", "#", "/", '"', "'", ";", "a.", "*.", "(", "0"])
def test_a_very_long_line_is_read_in_linear_time(kind: str, part: str) -> None:
    _read(kind, LINES[kind].format(part * 200_000) + "\n" + part * 200_000)


@each_format
def test_made_up_lists_are_judged_as_the_obvious_matcher_does(kind: str) -> None:
    rng = random.Random(kind)
    text = "".join(_some_line(rng, kind) for _ in range(2000))
    read, obvious = _read(kind, text), matcher(text, kind)
    index = Index(*build([packed(read)]))
    for name in _asked(rng, 2000):
        hits = index.match(names.parse(name))
        assert is_blocked(read, hits) == obvious.blocks(name), name


def _some_line(rng: random.Random, kind: str) -> str:
    line = LINES[kind]
    exceptions = {
        "adblock": "@@||{}^",
        "rpz": "{} CNAME rpz-passthru.",
    }
    if rng.random() < 0.2:
        line = exceptions.get(kind, line)
    if kind == "rpz" and rng.random() < 0.3:
        line = "*." + line
    return line.format(_some_name(rng)) + "\n"


def _some_name(rng: random.Random) -> str:
    labels = [rng.choice("abcdefghij") for _ in range(rng.randint(0, 3))]
    return ".".join([*labels, rng.choice("klmnop"), rng.choice(["example", "co.uk", "ir"])])


def _asked(rng: random.Random, count: int) -> Iterator[str]:
    return (_some_name(rng) for _ in range(count))


def test_the_same_text_gives_the_same_rules() -> None:
    text = made("plain", 10)
    assert _read("plain", text) == _read("plain", text)
    first = next(iter(_read("plain", text).rules))
    assert first == Rule(names.parse("n0.example"), False, False, 1)
