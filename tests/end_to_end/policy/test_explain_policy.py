"""``darban explain`` by a policy alone: what it prints, and how it exits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.clients import Asker
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG, Done
from tests.live.commands import darban as _darban
from tests.live.configs import BLOCKLISTS, EXEMPTION, edited, shipped
from tests.live.server import Server

FIELDS = {
    *("client", "vlan", "policy", "name", "type", "outcome", "service", "rule", "list", "line"),
    *("directive", "contact", "exemption", "matched", "targets", "answer", "decided_by"),
    *("receives", "upstream", "hours", "until", "asked_now", "cached"),
}
UPSTREAM = "127.0.0.1:9"
"""No command here asks it."""
EDE = (
    "16 telegram: directive 1595/الف/م (2015-02-18), narrowed by 95/3525 (2017-03-11); "
    "contact noc@agency.example"
)
"""What the shipped config's administration is told."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped config, in a file, with an exemption."""
    path = tmp_path / "config.toml"
    path.write_text(shipped([UPSTREAM], 5300, 9153) + EXEMPTION, encoding="utf-8")
    return path


def _explain(config: Path, *arguments: str) -> Done:
    return _darban("explain", "--config", config, *arguments, at=config.parent)


# ---- explain, of a file ----


def test_explain_a_block(config: Path) -> None:
    done = _explain(config, "--client", "127.0.10.5", "Web.Telegram.org.", "--json")
    assert done.code == NO
    told = done.json
    assert set(told) == FIELDS
    line = told.pop("line")
    assert isinstance(line, int)
    file = Path(str(told["list"]))
    assert file.name == "telegram.txt"
    rules = (BLOCKLISTS / file.name).read_text(encoding="utf-8").splitlines()
    assert rules[line - 1] == "||telegram.org^"
    del told["list"], told["decided_by"]
    assert told == {
        "client": "127.0.10.5",
        "vlan": "administration",
        "policy": "administrative",
        "name": "web.telegram.org",
        "type": "A",
        "outcome": "blocked",
        "service": "telegram",
        "rule": "||telegram.org^",
        "directive": "1595/الف/م",
        "contact": "noc@agency.example",
        "exemption": "",
        "hours": "",
        "until": "",
        "matched": "web.telegram.org",
        "targets": "not checked",
        "answer": "",
        "asked_now": None,
        "cached": [],
        "receives": {"rcode": "NOERROR", "records": ["A 0.0.0.0"], "ttl": 60, "ede": [EDE]},
        "upstream": "",
    }


def test_explain_a_block_in_words(config: Path) -> None:
    done = _explain(config, "--client", "127.0.10.5", "web.telegram.org")
    assert done.code == NO
    assert done.out.startswith("web.telegram.org A: blocked\n")
    long = [line for line in done.out.splitlines() if len(line) > 100]
    assert [line for line in long if "/telegram.txt" not in line] == []  # a path stays whole
    words = " ".join(done.out.split())
    receives = f" receives NOERROR, A 0.0.0.0, TTL 60, EDE {EDE}"
    for part in ("||telegram.org^", "1595/الف/م", "noc@agency.example", "telegram.txt", receives):
        assert part in words


@pytest.mark.parametrize(
    ("arguments", "outcome", "code"),
    [
        (["--client", "127.0.20.5", "web.telegram.org"], "passed", GOOD),
        (["--vlan", "publicity", "web.telegram.org"], "passed", GOOD),
        (["--vlan", "administration", "wa.me", "AAAA"], "blocked", NO),
        (["--vlan", "administration", "wa.me", "TYPE65"], "blocked", NO),
        (["--client", "fd00:10::37", "line.me"], "blocked", NO),
        (["--client", "127.0.10.7", "web.telegram.org"], "exempted", GOOD),
        (["--client", "127.0.10.7", "web.whatsapp.com"], "blocked", NO),
        (["--client", "127.0.99.5", "agency.example"], "refused", NO),
        (["--client", "127.0.10.5", "localhost"], "passed", GOOD),
    ],
)
def test_explain_exits_by_the_outcome(
    config: Path, arguments: list[str], outcome: str, code: int
) -> None:
    done = _explain(config, *arguments, "--json")
    assert (done.json["outcome"], done.code) == (outcome, code)
    assert set(done.json) == FIELDS


@pytest.mark.parametrize(
    ("name", "upstream"),
    [
        ("agency.example", f"[upstream]: {UPSTREAM}"),
        ("dc.agency.internal", "[[forward]] agency.internal, 10.in-addr.arpa: 192.0.2.7:53"),
        ("localhost", ""),
    ],
)
def test_explain_names_who_is_asked(config: Path, name: str, upstream: str) -> None:
    forward = (
        '[[forward]]\nzones = ["agency.internal", "10.in-addr.arpa"]\nservers = ["192.0.2.7"]\n'
    )
    config.write_text(config.read_text(encoding="utf-8") + forward, encoding="utf-8")
    told = _explain(config, "--client", "127.0.10.5", name, "--json").json
    assert told["upstream"] == upstream
    assert (told["receives"] is None) == bool(upstream)


@pytest.mark.parametrize("typed", ["https://web.telegram.org/k/", "u@web.telegram.org:443"])
def test_explain_takes_the_host_of_what_is_pasted(config: Path, typed: str) -> None:
    done = _explain(config, "--client", "127.0.10.5", typed, "--json")
    assert (done.code, done.json["name"]) == (NO, "web.telegram.org")
    assert (
        done.err.strip() == f"'{typed}' is no name alone; this is about its host, web.telegram.org"
    )


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["127.0.10.5", "t.me"], ["--client", "127.0.10.5", "t.me"]),
        (["fd00:10::7", "t.me", "AAAA"], ["--client", "fd00:10::7", "t.me", "AAAA"]),
        (["administration", "t.me", "HTTPS"], ["--vlan", "administration", "t.me", "HTTPS"]),
    ],
)
def test_explain_takes_the_client_as_its_first_word(
    config: Path, words: list[str], options: list[str]
) -> None:
    done = _explain(config, *words, "--json")
    assert done.json == _explain(config, *options, "--json").json
    assert done.json["name"] == "t.me"


def test_explain_names_the_exemption(config: Path) -> None:
    told = _explain(config, "--client", "127.0.10.7", "t.me", "--json").json
    assert (told["exemption"], told["service"]) == ("pr-2031", "telegram")


def test_explain_an_audited_policy(config: Path) -> None:
    edited(config, 'mode = "enforce"', 'mode = "audit"')
    done = _explain(config, "--client", "127.0.10.5", "web.telegram.org", "--json")
    assert (done.json["outcome"], done.code) == ("would_block", GOOD)
    assert done.json["service"] == "telegram"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["web.telegram.org"], "say who asks"),
        (["t.me", "A"], "there is no VLAN 't.me'"),
        (["--all-vlans", "127.0.10.5", "t.me", "A"], "say who asks"),
        (["--client", "127.0.10.5", "--vlan", "publicity", "t.me"], "say who asks"),
        (["--client", "nobody", "t.me"], "'nobody' is not an address"),
        (["--client", "10.0.0.0/8", "t.me"], "is not an address"),
        (["--vlan", "adminstration", "t.me"], "there are administration, publicity, this-host"),
        (["--client", "127.0.10.5", "t.me", "AAAAA"], "'AAAAA' is not a record type"),
        (["--client", "127.0.10.5", "a..b"], "a..b"),
        (["--client", "127.0.10.5", "x" * 64 + ".example"], "63"),
        (["--client", "127.0.10.5"], "NAME"),
        ([], "CLIENT NAME"),
    ],
)
def test_explain_a_question_that_makes_no_sense(
    config: Path, arguments: list[str], said: str
) -> None:
    done = _explain(config, *arguments)
    assert done.code == WRONG, done.out
    assert said in done.err
    assert done.out == ""


def test_explain_of_a_wrong_config(config: Path) -> None:
    edited(config, 'mode = "enforce"', 'mode = "enforced"')
    done = _explain(config, "--client", "127.0.10.5", "t.me", "--json")
    assert done.code == WRONG
    assert "policies.administrative.mode" in done.err
    assert done.out == ""


# ---- explain, of the policy in force ----


def test_explain_without_a_server(config: Path) -> None:
    done = _darban("explain", "--client", "127.0.10.5", "t.me", at=config.parent)
    assert done.code == UNREACHABLE
    assert "no server answers on" in done.err
    assert "darban run --config config.toml" in done.err


def test_explain_after_a_server_was_killed(make_shipped: Callable[[], Server]) -> None:
    server = make_shipped()
    server.start()
    server.kill_what_is_left()
    done = _darban("explain", "--client", "127.0.10.5", "t.me", at=server.directory)
    assert done.code == UNREACHABLE


def test_explain_asks_the_policy_in_force(
    make_shipped: Callable[[], Server], dig_program: Path
) -> None:
    server = make_shipped()
    server.start()
    ask = ("explain", "--client", "127.0.10.5", "web.telegram.org", "--json")
    same = _darban(*ask, at=server.directory)
    assert (same.json["outcome"], same.code) == ("blocked", NO)
    assert set(same.json) == FIELDS | {"asked"}
    assert "differs" not in same.err

    edited(server.config, "allow = [] ", 'allow = ["telegram.org"] ')
    other = _darban(*ask, at=server.directory)
    assert (other.json["outcome"], other.code) == ("blocked", NO)
    assert "config.toml differs from the policy in force" in other.err
    candidate = _explain(server.config, *ask[1:])
    assert (candidate.json["outcome"], candidate.code) == ("passed", GOOD)
    assert Asker(dig_program, server.port)("127.0.10.5", "web.telegram.org").data == ["0.0.0.0"]

    server.config.write_text("[server\n", encoding="utf-8")
    broken = _darban(*ask, at=server.directory)
    assert (broken.json["outcome"], broken.code) == ("blocked", NO)
    assert "differs" in broken.err


def test_explain_and_the_server_agree(make_small: Callable[..., Server], dig_program: Path) -> None:
    server = make_small()
    server.start()
    ask = Asker(dig_program, server.port)
    for client, *question in (
        ("127.0.10.5", "web.telegram.org"),
        ("127.0.10.5", "web.telegram.org", "AAAA"),
        ("127.0.10.5", "web.telegram.org", "HTTPS"),
        ("127.0.10.5", "use-application-dns.net"),
        ("127.0.10.5", "localhost"),
        ("127.0.10.5", "other.example"),
        ("127.0.20.5", "web.telegram.org"),
        ("127.0.10.5", "a.web.telegram.org"),
        ("127.0.10.5", "xweb.telegram.org"),
        ("127.0.99.5", "web.telegram.org"),
    ):
        got = ask(client, *question)
        arguments = ("explain", "--live", "--client", client, *question, "--json")
        told = _darban(*arguments, at=server.directory).json["receives"]
        assert isinstance(told, dict)
        assert told["rcode"] == got.status
        assert told["records"] == [" ".join(record.split()[3:]) for record in got.answer]
        assert told["ede"] == [f"{code} {text}" for code, text in got.errors]
        if any(code in (15, 16) for code, _ in got.errors):
            assert {told["ttl"]} == {
                int(record.split()[1]) for record in got.answer + got.authority
            }


def test_explain_at_a_moment(config: Path) -> None:
    arguments = ("--client", "127.0.10.7", "web.telegram.org", "--json")
    with_exemption = _explain(config, *arguments)
    assert (with_exemption.code, with_exemption.json["outcome"]) == (GOOD, "exempted")
    later = _explain(config, *arguments, "--at", str(with_exemption.json["until"]))
    assert (later.code, later.json["outcome"]) == (NO, "blocked")
    assert _explain(config, *arguments, "--at", "tomorrow").code == WRONG


@pytest.mark.parametrize(
    ("moment", "more"),
    [("2026-01-01T10:00", ", and not by what was in force then"), ("2199-01-01T10:00", "")],
)
def test_the_first_line_says_that_a_file_decides_as_it_is_now(
    config: Path, moment: str, more: str
) -> None:
    done = _explain(config, "127.0.10.5", "web.telegram.org", "--at", moment)
    first, second, *_ = done.err.splitlines()
    assert first == f"by {config} as it is now{more}"
    assert second.startswith(f"at {moment[:10]} 10:00:00")


def test_check_names_the_hours_and_their_next_change(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    hours = '\n[hours.office]\ndays = ["sat"]\nfrom = "07:30"\nto = "14:30"\n'
    path.write_text(shipped([UPSTREAM], 5300, 9153) + hours, encoding="utf-8")
    (found,) = _darban("check", "--config", path, "--json", at=tmp_path).json["hours"]
    assert (found["name"], found["text"]) == ("office", "sat 07:30-14:30 Asia/Tehran")
    line = next(
        line
        for line in _darban("check", "--config", path, at=tmp_path).out.splitlines()
        if line.startswith("hours office: sat 07:30-14:30 Asia/Tehran; ")
    )
    assert ("not now" in line) is not found["hold"]
