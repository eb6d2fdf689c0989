"""An exemption written into a config's text: what was there stays, to the last remark."""

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.config.exemption_toml import (
    NotEditable,
    add_exemption,
    change_exemption,
    remove_exemptions,
    unused_id,
)

ROOT = Path(__file__).parents[2]
TEHRAN = dt.timezone(dt.timedelta(hours=3, minutes=30))
EXEMPTION = {
    "id": "it-7",
    "prefixes": ["10.1.0.7/32"],
    "services": ["telegram", "@encrypted-dns"],
    "until": dt.datetime(2027, 3, 20, 18, 0, tzinfo=TEHRAN),
    "approver": 'رئیس "روابط عمومی"',
    "ticket": "IT-7",
}
ONE = '[[exemptions]]\nid = "a" # why\n'
TEXTS = [
    "",
    "# nothing but a remark",
    "[server]\nworkers = 1 # one\n",
    ONE + "\n# ---- tests ----\n[[expect]]\nclient = '1.1.1.1'\n",
    ONE + "[[expect]]\nx = 1\n" + ONE + "# the end",
    "a.b = 1\r\n" + ONE.replace("\n", "\r\n"),
    (ROOT / "config.toml").read_text(encoding="utf-8"),
    (ROOT / "deploy" / "reference.toml").read_text(encoding="utf-8"),
]
INLINE = 'exemptions = [{ id = "a" }, { id = "b" }] # two\n[z]\nx = 1\n'


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_there_stays_as_it_was(text: str) -> None:
    edited = add_exemption(text, EXEMPTION)
    assert edited.startswith(text.rstrip())
    document = tomllib.loads(text)
    document["exemptions"] = [*document.get("exemptions", []), EXEMPTION]
    assert tomllib.loads(edited) == document
    assert ("\n" in edited.replace("\r\n", "")) == ("\r\n" not in text)


def test_twice() -> None:
    text = add_exemption(add_exemption("", EXEMPTION), {**EXEMPTION, "id": "it-7-2"})
    assert [exemption["id"] for exemption in tomllib.loads(text)["exemptions"]] == [
        "it-7",
        "it-7-2",
    ]


@pytest.mark.parametrize(
    "text", [INLINE, "exemptions = 7", "exemptions = { a = 1 }", "[exemptions]\na = 1"]
)
def test_what_cannot_be_edited_is_told_with_what_to_add(text: str) -> None:
    with pytest.raises(NotEditable, match=r"(?s)by hand, add this.*id = \"it-7\""):
        add_exemption(text, EXEMPTION)


def test_an_exemption_in_an_array_is_changed_and_removed_by_hand() -> None:
    with pytest.raises(NotEditable, match=r"by hand, change the exemption to"):
        change_exemption(INLINE, 0, {"id": "b"})
    with pytest.raises(NotEditable, match=r"by hand, remove the exemption"):
        remove_exemptions(INLINE, [0])


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_words_are_written_so_that_they_are_read_back(words: str) -> None:
    exemption = {**EXEMPTION, "approver": words}
    assert tomllib.loads(add_exemption("# remark\n", exemption))["exemptions"] == [exemption]


def test_ids_are_of_the_ticket_and_no_other_s() -> None:
    assert unused_id("PR-2031", ()) == "pr-2031"
    assert unused_id("PR-2031", {"pr-2031", "pr-2031-2"}) == "pr-2031-3"
    assert unused_id("نامه", ()) == "exemption"
    assert unused_id("No. 5 / 1405", ()) == "no-5-1405"
    assert unused_id("نامهٔ ۱۴۰۵/۲۳", ()) == unused_id("١٤٠٥-٢٣", ()) == "1405-23"


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_added_and_is_removed_leaves_the_text_as_it_was(text: str) -> None:
    added = add_exemption(text, EXEMPTION)
    place = len(tomllib.loads(added)["exemptions"]) - 1
    removed = remove_exemptions(added, [place])
    assert {"exemptions": [], **tomllib.loads(removed)} == {
        "exemptions": [],
        **tomllib.loads(text),
    }
    assert removed.split() == text.split()


AMONG_OTHERS = """
# what is exempt
[[exemptions]] # the fair
id = "fair"
until = 2027-03-20T18:00:00Z # until the evening
services = [
  "telegram",  # only this
]

# of the ministry
[[exemptions]]
id = "ministry"
until = 2027-03-21T18:00:00Z

# ---- what must hold ----
[[expect]]
client = "10.1.0.7"
"""


def test_a_comment_after_what_is_removed_stays() -> None:
    first = remove_exemptions(AMONG_OTHERS, [0])
    second = AMONG_OTHERS[AMONG_OTHERS.index("\n# of the ministry") :]
    assert first == f"\n# what is exempt\n{second}"
    assert remove_exemptions(first, [0]) == (
        "\n# what is exempt\n\n# of the ministry\n"
        '\n# ---- what must hold ----\n[[expect]]\nclient = "10.1.0.7"\n'
    )


@pytest.mark.parametrize("text", [AMONG_OTHERS, AMONG_OTHERS.replace("\n", "\r\n")])
def test_a_change_leaves_the_rest_as_it_was(text: str) -> None:
    until = dt.datetime(2027, 4, 1, 12, 30, tzinfo=TEHRAN)
    changed = change_exemption(text, 0, {"until": until})
    old, new = "2027-03-20T18:00:00Z", "2027-04-01T12:30:00+03:30"
    assert changed == text.replace(old, new)


def test_many_are_removed_at_once_and_each_text_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = '\n[[exemptions]]\nid = "t-{}" # {}\n'
    text = "".join(one.format(number, number) for number in range(200))
    read: list[int] = []
    loads = tomllib.loads

    def counted(text: str) -> dict[str, object]:
        read.append(len(text))
        return loads(text)

    monkeypatch.setattr(tomllib, "loads", counted)
    left = remove_exemptions(text, [number for number in range(200) if number != 7])
    assert loads(left) == {"exemptions": [{"id": "t-7"}]}
    assert sum(read) < 5 * len(text)


def test_a_character_that_ends_a_line_elsewhere_ends_none_in_toml() -> None:
    before = "[server] # \u2028 \x85\n\n"
    added = f'{before}[[exemptions]]\nid = "a"\n'
    assert remove_exemptions(added, [0]) == before.removesuffix("\n")
    assert change_exemption(added, 0, {"id": "b"}) == added.replace('"a"', '"b"')
