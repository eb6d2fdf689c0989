"""``darban exempt``: from a ticket to answers that pass, and nothing written that is not right."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, WRONG, Done, darban
from tests.live.configs import replaced_once, shipped
from tests.live.nsd import ANY_V4
from tests.live.reloading import restored
from tests.live.server import Server
from tests.live.waiting import wait_for

pytestmark = pytest.mark.core

BY = ("--approver", "Head of PR", "--ticket", "PR-2031")
FORBIDDING = """
[[expect]]
client = "127.0.10.5"
name = "web.telegram.org"
outcome = "blocked"
at = {at}
"""
NEAR = """
[[exemptions]]
id = "pr-2031-2"
prefixes = ["127.0.10.8/32"]
services = ["telegram"]
until = {end}
approver = "A"
ticket = "T"
"""
INCLUDED = """
[[exemptions]]
id = "{id}"
vlan = "administration"
services = ["signal"]
until = 2020-01-01T00:00:00Z
approver = "A"
ticket = "T"
"""


@pytest.fixture
def server(make_shipped: Callable[..., Server]) -> Server:
    """Not started."""
    return make_shipped(workers=1)


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(shipped([upstream], workers=1))


@pytest.fixture
def running(lasting: Server) -> Iterator[Server]:
    """A server that runs with the shipped config; its journal has what other tests did."""
    with restored(lasting) as server:
        yield server


def _history(server: Server) -> list[dict[str, Any]]:
    told: Any = darban("history", "--json", at=server.directory).json["entries"]
    return list(told)


def _exempt(server: Server, *arguments: str) -> Done:
    return darban("exempt", *arguments, *BY, at=server.directory)


def _data(server: Server, client: str) -> str:
    answer = ask(server.port, "web.telegram.org", client=client)
    assert answer is not None
    return str(answer.rr[0].rdata)


def test_an_exemption_is_written_and_in_force(running: Server) -> None:
    server, known = running, len(_history(running))
    before = server.config.read_text(encoding="utf-8")
    assert _data(server, "127.0.10.7") == "0.0.0.0"
    done = _exempt(server, "127.0.10.7", "telegram", "viber", "--for", "2h", "--reason", "a fair")
    assert done.code == GOOD, done.out + done.err
    assert "exemption pr-2031 is written: telegram, viber for 127.0.10.7/32 until" in done.out
    assert "in force, snapshot" in done.out
    warning = "VLAN administration has IPv6, over which its clients stay blocked."
    assert done.out.count(warning) == 1
    assert _data(server, "127.0.10.7") == ANY_V4
    assert _data(server, "127.0.10.8") == "0.0.0.0"
    after = server.config.read_text(encoding="utf-8")
    assert after.startswith(before.rstrip())
    assert 'reason = "a fair"' in after
    [entry] = _history(server)[known:]
    assert entry["event"] == "exempt"
    assert entry["who"].startswith("uid ")
    assert '+ticket = "PR-2031"' in entry["diff"]
    assert entry["exemptions"][0]["services"] == ["telegram", "viber"]
    told = darban("explain", "--client", "127.0.10.7", "t.me", "--json", at=server.directory)
    assert (told.json["outcome"], told.json["exemption"]) == ("exempted", "pr-2031")

    second = _exempt(server, "127.0.10.8", "@messenger", "--for", "1d", "--json")
    assert second.code == GOOD, second.err
    assert second.json["exemption"]["id"] == "pr-2031-2"
    assert second.json["reload"]["result"] == "applied"
    assert _data(server, "127.0.10.8") == ANY_V4

    both = _exempt(server, "127.0.10.9, fd00:10::9", "signal", "--for", "1d")
    assert both.code == GOOD, both.err
    assert "signal for 127.0.10.9/32, fd00:10::9/128 until" in both.out
    assert "has IPv6" not in both.out
    wrong = _exempt(server, "127.0.10.9", "signall", "--for", "1d")
    assert wrong.code == WRONG
    [error, *_] = wrong.err.splitlines()
    assert 'Did you mean "signal"?' in error


def test_the_id_of_a_persian_ticket_is_said(server: Server) -> None:
    given = ("127.0.10.7", "telegram", "--for", "2h", "--approver", "CIO")
    for ticket, id_ in (("نامهٔ ۱۴۰۵/۲۳", "1405-23"), ("نامه", "exemption")):
        done = darban("exempt", *given, "--ticket", ticket, at=server.directory)
        assert done.code == GOOD, done.err
        assert (
            f"config.toml: its id is {id_}: all letters of an id are Latin; --id gives a new "
            "exemption another id\n"
        ) in done.out
    for more in (("--ticket", "PR-1"), ("--ticket", "نامه ۵", "--id", "letter-5")):
        done = darban("exempt", *given, *more, at=server.directory)
        assert (done.code, "its id is" in done.out) == (GOOD, False)


def test_without_a_server_it_is_written(server: Server) -> None:
    server.config.chmod(0o640)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    done = _exempt(server, "administration", "signal", "--until", until.isoformat())
    assert done.code == GOOD, done.err
    assert "no server runs" in done.out
    assert server.config.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in server.directory.iterdir()] == ["config.toml"]
    explain = ("explain", "--config", "config.toml", "--vlan", "administration", "signal.org")
    assert darban(*explain, "--json", at=server.directory).json["exemption"] == "pr-2031"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("administration", "telegram"), "say how long"),
        (("administration", "telegram", "--for", "2h", "--until", "2199-01-01"), "say how long"),
        (("administration", "telegram", "--for", "two hours"), "'two hours' is not a duration"),
        (("administration", "telegram", "--until", "tomorrow"), "'tomorrow' is not a moment"),
        (("administration", "telegram", "--until", "2020-01-01"), "has passed"),
        (("administration", "telegramm", "--for", "2h"), 'Did you mean "telegram"?'),
        (("adminstration", "telegram", "--for", "2h"), 'Did you mean "administration"?'),
        (("127.0.99.7", "telegram", "--for", "2h"), "no VLAN holds 127.0.99.7"),
        (("127.0.10.7/24", "telegram", "--for", "2h"), "neither an address"),
        (("127.0.10.7,", "telegram", "--for", "2h"), "'' is neither an address"),
        (("127.0.10.7,127.0.99.7", "telegram", "--for", "2h"), "no VLAN holds 127.0.99.7"),
        (("publicity", "telegram", "--for", "2h"), "none of these services is blocked there"),
        (("127.0.20.7", "telegram", "--for", "2h"), "none of these services is blocked there"),
    ],
)
def test_what_makes_no_sense_is_not_written(
    server: Server, arguments: tuple[str, ...], said: str
) -> None:
    before = server.config.read_bytes()
    done = _exempt(server, *arguments)
    assert done.code == WRONG
    assert said in done.err
    assert done.out == ""
    assert server.config.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ('contact = "noc@', 'contact = "other@', '+contact = "other@agency.example"'),
        (
            '[[expect]]\nclient = "127.0.10.5"\nname = "eitaa.com"\noutcome = "passed"\n',
            *("", '-name = "eitaa.com"'),
        ),
    ],
    ids=["the policy", "an expectation, which is no part of the policy"],
)
def test_what_was_edited_and_not_reloaded_does_not_go_in_force_with_it(
    running: Server, old: str, new: str, shown: str
) -> None:
    server, known = running, _history(running)
    text = server.config.read_text(encoding="utf-8")
    edited = replaced_once(text, old, new)
    server.config.write_text(edited, encoding="utf-8")
    done = _exempt(server, "127.0.10.7", "telegram", "--for", "2h")
    assert done.code == WRONG
    assert done.err.startswith("an edit was not reloaded:\n--- config.toml")
    assert shown in done.err
    assert "'darban reload' puts it in force" in done.err
    assert server.config.read_text(encoding="utf-8") == edited
    assert _history(server) == known
    assert known[0]["event"] == "start"
    assert darban("reload", at=server.directory).code == GOOD
    assert _exempt(server, "127.0.10.7", "telegram", "--for", "2h").code == GOOD
    assert _data(server, "127.0.10.7") == ANY_V4


def test_a_list_that_was_edited_and_not_reloaded_is_named(server: Server) -> None:
    own = server.directory / "own"
    own.mkdir()
    (own / "pager.txt").write_text("! Category: messenger\n||pager.example^\n")
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text(text.replace("directories = [", 'directories = ["own", '))
    server.start()
    (own / "pager.txt").write_text("! Category: messenger\n||pager.example^\n||p.example^\n")
    done = _exempt(server, "127.0.10.7", "telegram", "--for", "2h")
    assert done.code == WRONG
    assert done.err.startswith("own/pager.txt: an edit was not reloaded\n")


def test_while_the_last_good_policy_is_in_force_nothing_is_exempted(running: Server) -> None:
    server = running
    server.stop()
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text(text.replace('mode = "enforce"', 'mode = "enforced"'))
    server.options = ["--last-good"]
    server.expect_error("the last good snapshot")
    server.start()
    server.config.write_text(text)
    done = _exempt(server, "127.0.10.7", "telegram", "--for", "2h")
    assert done.code == WRONG
    assert "the config is not in force: the last good policy is" in done.err
    assert server.config.read_text(encoding="utf-8") == text
    server.stop()
    server.options = []


def test_from_its_beginning_to_its_end(running: Server) -> None:
    server, place = running, running.directory
    known, shown = len(_history(server)), len(_exempt_lines(server))
    text = server.config.read_text(encoding="utf-8")
    none = darban("exempt", "--list", at=place)
    assert (none.code, none.out) == (GOOD, "there is no exemption\n")
    assert _exempt(server, "127.0.10.7", "telegram", "--for", "2h").code == GOOD
    _write_with_a_near_end(server)
    listed = darban("exempt", "--list", at=place).out.splitlines()
    assert listed[1].startswith("pr-2031: telegram for 127.0.10.7/32 until ")
    assert listed[1].endswith("approved by Head of PR (PR-2031): in force")

    longer = darban("exempt", "--extend", "pr-2031", "--for", "30d", at=place)
    assert longer.code == GOOD, longer.err
    assert "exemption pr-2031: telegram for 127.0.10.7/32 until" in longer.out
    first, *_ = darban("exempt", "--list", "--json", at=place).json["exemptions"]
    assert (first["id"], first["state"]) == ("pr-2031", "in force")
    shorter = darban("exempt", "--extend", "pr-2031", "--for", "1d", at=place)
    assert (shorter.code, "--extend takes a later end" in shorter.err) == (WRONG, True)

    wait_for(lambda: _data(server, "127.0.10.8") == "0.0.0.0", "the other has ended", 20)
    pruned = darban("exempt", "--prune", at=place)
    assert pruned.code == GOOD, pruned.err
    assert "config.toml: removed: pr-2031-2: telegram for 127.0.10.8/32" in pruned.out
    assert "nothing to remove" in darban("exempt", "--prune", at=place).out

    assert _data(server, "127.0.10.7") == ANY_V4
    ended = darban("exempt", "--end", "pr-2031", at=place)
    assert ended.code == GOOD, ended.err
    assert _data(server, "127.0.10.7") == "0.0.0.0"
    assert server.config.read_text(encoding="utf-8") == text
    events = [entry["event"] for entry in _history(server)[known:]]
    assert events == [
        *("exempt", "reload"),
        *("exempt --extend", "exempt --prune", "exempt --end"),
    ]
    lines = _exempt_lines(server)[shown:]
    assert [line.partition("  exemption ")[2] for line in lines] == [
        *("pr-2031", "pr-2031-2", "pr-2031"),
        "",  # what is pruned has ended before
        "pr-2031",
    ]


def _write_with_a_near_end(server: Server) -> None:
    """By hand, since the command gives whole minutes alone."""
    end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=8)
    with server.config.open("a", encoding="utf-8") as config:
        config.write(NEAR.format(end=end.isoformat()))
    assert darban("reload", at=server.directory).code == GOOD


def _exempt_lines(server: Server) -> list[str]:
    lines = darban("history", at=server.directory).out.splitlines()
    return [line for line in lines if " exempt" in line]


def test_an_exemption_of_an_included_file_is_changed_there(server: Server) -> None:
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text('include = ["more/*.toml"]\n' + text, encoding="utf-8")
    before = server.config.read_bytes()
    more = server.directory / "more"
    more.mkdir()
    for name in ("a", "b"):
        tables = "".join(INCLUDED.format(id=f"{name}-{number}") for number in (1, 2))
        (more / f"{name}.toml").write_text(tables, encoding="utf-8")
    done = darban("exempt", "--extend", "b-1", "--until", "2199-01-01", at=server.directory)
    assert done.code == GOOD, done.err
    assert "2199-01-01" in (more / "b.toml").read_text(encoding="utf-8")
    done = darban("exempt", "--prune", at=server.directory)
    assert done.code == GOOD, done.err
    assert (more / "a.toml").read_text(encoding="utf-8").strip() == ""
    assert (more / "b.toml").read_text(encoding="utf-8").count("[[exemptions]]") == 1
    assert server.config.read_bytes() == before
    unknown = darban("exempt", "--end", "b-2", at=server.directory)
    assert unknown.code == WRONG
    assert "there is no exemption 'b-2'; there are: b-1. Did you mean \"b-1\"?" in unknown.err


def test_what_needs_an_exemption_keeps_it(server: Server) -> None:
    assert _exempt(server, "127.0.10.7", "telegram", "--for", "2h").code == GOOD
    needed = FORBIDDING.replace("blocked", "exempted").replace("at = {at}\n", "")
    with server.config.open("a", encoding="utf-8") as file:
        file.write(needed.replace("127.0.10.5", "127.0.10.7"))
    server.start()
    done = darban("exempt", "--end", "pr-2031", at=server.directory)
    assert done.code == NO
    assert "expected exempted, got blocked" in done.err
    assert _data(server, "127.0.10.7") == ANY_V4


@pytest.mark.parametrize(
    "arguments",
    [
        ("--list", "--prune"),
        ("--end", "a", "--extend", "a"),
        ("--list", "administration"),
        ("administration",),
        ("administration", "telegram", "--for", "2h", "--approver", "CIO"),
        (),
    ],
)
def test_what_says_too_much_or_too_little(server: Server, arguments: tuple[str, ...]) -> None:
    done = darban("exempt", *arguments, at=server.directory)
    assert (done.code, done.out) == (WRONG, "")
    assert done.err.startswith("say ")


def test_the_shipped_expectations_let_a_whole_vlan_be_exempted(running: Server) -> None:
    """In an emergency, as docs/how-to/upgrade.md and the help of the command say."""
    server = running
    done = _exempt(server, "administration", "@messenger", "--for", "2h")
    assert done.code == GOOD, done.err
    assert _data(server, "127.0.10.5") == ANY_V4
    assert darban("check", at=server.directory).code == GOOD
    assert (
        " more for VLAN administration until" in darban("exempt", "--list", at=server.directory).out
    )


def test_what_an_expectation_forbids_is_not_written(server: Server) -> None:
    moment = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat(timespec="seconds")
    with server.config.open("a", encoding="utf-8") as file:
        file.write(FORBIDDING.format(at=moment))
    before = server.config.read_bytes()
    done = _exempt(server, "127.0.10.5", "telegram", "--for", "2h")
    assert done.code == NO
    assert "expected blocked, got exempted as telegram" in done.err
    assert "without 'at' it tests the policy alone" in done.err
    assert "the config stays as it is" in done.err
    assert server.config.read_bytes() == before


def test_a_service_that_is_misspelt_has_no_line_in_the_file(server: Server) -> None:
    done = _exempt(server, "127.0.10.5", "telegrm", "--for", "2h")
    assert done.code == WRONG
    assert 'this exemption: services[0]: found "telegrm"; expected one of ' in done.err
    assert 'Did you mean "telegram"?' in done.err


def test_a_config_that_is_wrong_already_is_told(server: Server) -> None:
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text(text.replace('mode = "enforce"', 'mode = "enforced"'))
    done = _exempt(server, "administration", "telegram", "--for", "2h")
    assert done.code == WRONG
    assert 'Did you mean "enforce"?' in done.err


def test_an_exemption_that_begins_later_within_hours(server: Server) -> None:
    with server.config.open("a", encoding="utf-8") as config:
        config.write('\n[hours.office]\ndays = ["sat"]\nfrom = "07:30"\nto = "14:30"\n')
    when = ("--from", "2090-01-01T00:00+03:30", "--for", "2w", "--hours", "office")
    done = _exempt(server, "127.0.10.7", "telegram", *when)
    assert done.code == GOOD, done.out + done.err
    (listed,) = darban("exempt", "--list", "--json", at=server.directory).json["exemptions"]
    begins = dt.datetime.fromisoformat("2090-01-01T00:00+03:30").timestamp()
    assert (listed["begins"], listed["hours"], listed["state"]) == (begins, "office", "not now")
    assert listed["until"] == begins + 14 * 86400
    text = darban("exempt", "--list", at=server.directory).out
    assert " within office, approved by Head of PR (PR-2031): not now" in text


@pytest.mark.parametrize(
    "when",
    [
        ("--from", "2090-01-02", "--until", "2090-01-01"),
        ("--hours", "offise", "--for", "2h"),
    ],
)
def test_hours_and_a_beginning_that_cannot_be(server: Server, when: tuple[str, ...]) -> None:
    before = server.config.read_text(encoding="utf-8")
    assert _exempt(server, "127.0.10.7", "telegram", *when).code == WRONG
    assert server.config.read_text(encoding="utf-8") == before


def test_hours_are_of_a_new_exemption_alone(server: Server) -> None:
    done = darban("exempt", "--extend", "pr", "--for", "2h", "--hours", "x", at=server.directory)
    assert (done.code, done.err) == (WRONG, "--from, --hours and --id are for a new exemption\n")


def test_an_edit_of_comments_alone_does_not_hold_an_exemption_up(running: Server) -> None:
    server = running
    text = server.config.read_text(encoding="utf-8")
    spaced = replaced_once(text, 'contact = "noc@', 'contact  =  "noc@')
    edited = f"# why this is so\n{spaced}"
    server.config.write_text(edited, encoding="utf-8")
    done = _exempt(server, "127.0.10.7", "telegram", "--for", "2h")
    assert done.code == GOOD, done.out + done.err
    assert _data(server, "127.0.10.7") == ANY_V4
    assert server.config.read_text(encoding="utf-8").startswith(edited.rstrip())
    after = darban("diff", "--json", at=server.directory)
    assert (after.code, after.json["changes"]) == (GOOD, [])


def test_what_is_given_twice_is_there_once(running: Server) -> None:
    server = running
    given = ("127.0.10.7,fd00:10::7", "telegram", "viber", "--until", "2199-01-01", "--id", "fair")
    assert _exempt(server, *given).code == GOOD
    text, known = server.config.read_text(encoding="utf-8"), _history(server)
    swapped = ("fd00:10::7,127.0.10.7", "viber", "telegram", *given[3:])
    for again in (given, swapped):
        done = _exempt(server, *again)
        assert done.code == GOOD, done.out + done.err
        assert done.out.startswith("config.toml: exemption fair: telegram, viber for 127.0.10.7/32")
        assert done.out.endswith(": the config has it already\n")
    done = darban("exempt", "--extend", "fair", "--until", "2199-01-01", at=server.directory)
    assert (done.code, "nothing to change" in done.out) == (GOOD, True)
    other = _exempt(server, *given[:2], *given[3:])
    assert (other.code, other.out) == (WRONG, "")
    assert other.err.startswith("there is already an exemption fair: telegram, viber for ")
    assert (server.config.read_text(encoding="utf-8"), _history(server)) == (text, known)


@pytest.mark.parametrize("id_", [(), ("--id", "second")], ids=["no-id", "id"])
def test_what_is_entered_again_is_no_second_exemption(
    running: Server, id_: tuple[str, ...]
) -> None:
    server = running
    assert _exempt(server, "127.0.10.7", "telegram", "viber", "--for", "2h").code == GOOD
    text = server.config.read_text(encoding="utf-8")
    again = _exempt(server, "127.0.10.7", "viber", "telegram", "--for", "3h", *id_)
    assert (again.code, again.out) == (WRONG, "")
    assert again.err.startswith("there is already an exemption pr-2031: telegram, viber for ")
    assert "--extend pr-2031 lets it end later" in again.err
    assert "--id" not in again.err
    assert server.config.read_text(encoding="utf-8") == text
    assert darban("exempt", "--end", "pr-2031", at=server.directory).code == GOOD
    assert _data(server, "127.0.10.7") == "0.0.0.0"


def test_the_end_of_an_exemption_names_those_that_go_on(running: Server) -> None:
    server = running
    assert _exempt(server, "127.0.10.7", "telegram", "viber", "--for", "2h").code == GOOD
    wide = ("127.0.10.0/28", "telegram", "signal", "--for", "3h", "--id", "wide")
    assert _exempt(server, *wide).code == GOOD
    begin = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()
    later = ("administration", "viber", "--from", begin, "--for", "2h", "--id", "later")
    assert _exempt(server, *later).code == GOOD
    ended = darban("exempt", "--end", "pr-2031", at=server.directory)
    assert ended.code == GOOD, ended.out
    assert "config.toml: still exempted: telegram for 127.0.10.7/32, by wide: " in ended.out
    assert "config.toml: later exempted: viber for 127.0.10.7/32, by later: " in ended.out
    assert _data(server, "127.0.10.7") == ANY_V4
    last = darban("exempt", "--end", "wide", "--json", at=server.directory)
    assert (last.code, last.json["still_exempted"]) == (GOOD, [])


def test_an_old_copy_of_the_config_ends_no_exemption_in_silence(running: Server) -> None:
    server = running
    server.expect_error("reload by|exemption pr-2031|if that is meant")
    copy = server.directory / "ali.toml"
    copy.write_bytes(server.config.read_bytes())
    assert _exempt(server, "127.0.10.7", "telegram", "--for", "2h").code == GOOD
    with copy.open("a", encoding="utf-8") as opened:  # another edit, so that its age says nothing
        opened.write('\n[policies.spare]\ndeny = ["spare.example"]\n')
    before = server.config.read_bytes()
    held = darban("reload", "ali.toml", at=server.directory)
    assert held.code == NO
    assert "this ends exemption pr-2031 (telegram, until " in held.out
    assert "not put in force before a person accepts it (--accept)" in held.out
    assert "config.toml is as it was" in held.out
    assert server.config.read_bytes() == before
    assert server.scrape().value("darban_config_ok") == 1
    assert _data(server, "127.0.10.7") == ANY_V4
    done = darban("reload", "ali.toml", "--accept", at=server.directory)
    assert done.code == GOOD, done.out
    assert "has the text of ali.toml, which may be removed" in done.out
    assert server.config.read_bytes() == copy.read_bytes()
    assert _data(server, "127.0.10.7") == "0.0.0.0"


def test_a_cap_refuses_what_exceeds_it_and_starts_with_what_was_in_force(server: Server) -> None:
    given = _exempt(server, "127.0.10.7", "telegram", "--for", "60d", "--id", "long")
    assert given.code == GOOD, given.err
    server.start()
    server.stop()
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text(f'{text}\n[exemption_limits]\nlongest = "30d"\n', encoding="utf-8")
    server.start()
    assert _data(server, "127.0.10.7") == ANY_V4
    checked = darban("check", at=server.directory)
    assert checked.code == GOOD, checked.out
    assert "warning [exemption-over-limit:long]" in checked.out
    before = server.config.read_bytes()
    cap = 'expected a moment within "30d", the longest exemption by '
    for refused in (
        _exempt(server, "127.0.10.8", "telegram", "--for", "31d"),
        _exempt(server, "127.0.10.8", "telegram", "--from", "2199-01-01", "--for", "31d"),
        darban("exempt", "--extend", "long", "--for", "61d", at=server.directory),
    ):
        assert (refused.code, cap in refused.err) == (WRONG, True), refused.err
        assert refused.err.startswith("this exemption: until: found ")
    assert server.config.read_bytes() == before
    assert _exempt(server, "127.0.10.8", "telegram", "--for", "30d").code == GOOD
    edited = server.config.read_text(encoding="utf-8").replace("127.0.10.7/32", "127.0.10.0/25")
    server.config.write_text(edited, encoding="utf-8")
    server.expect_error("reload by .*: invalid|half-exempted|the longest exemption by")
    reloaded = darban("reload", at=server.directory)
    assert (reloaded.code, cap in reloaded.out) == (WRONG, True), reloaded.out
    assert _data(server, "127.0.10.9") == "0.0.0.0"
