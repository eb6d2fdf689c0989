"""The commands as people and scripts use them: what they print, and how they exit."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.live.clients import Asker
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG, Done
from tests.live.commands import darban as _darban
from tests.live.configs import BLOCKLISTS, EXEMPTION, shipped
from tests.live.nsd import ANY_V4
from tests.live.server import DARBAN, MODULE, Server

FIELDS = {
    *("client", "vlan", "policy", "name", "type", "outcome", "service", "rule", "list", "line"),
    *("directive", "contact", "exemption", "matched", "targets", "answer", "decided_by"),
    *("receives", "upstream"),
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


def _edited(config: Path, old: str, new: str) -> Path:
    text = config.read_text(encoding="utf-8")
    assert text.count(old) == 1
    config.write_text(text.replace(old, new), encoding="utf-8")
    return config


def _explain(config: Path, *arguments: str) -> Done:
    return _darban("explain", "--config", config, *arguments, at=config.parent)


# ---- check ----


@pytest.mark.parametrize("program", [(DARBAN,), MODULE], ids=["darban", "python -m resolver"])
def test_check_of_a_good_config(config: Path, program: Sequence[str | Path]) -> None:
    command = [*program, "check", "--config", config]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == GOOD, done.stdout + done.stderr
    assert "errors 0, warnings 0 and 1 acknowledged, expectations: 12 of 12" in done.stdout


def test_check_takes_the_config_that_is_here(config: Path) -> None:
    done = _darban("check", at=config.parent)
    assert done.code == GOOD
    assert done.out.startswith("config.toml: ")


def test_check_of_an_expectation_that_does_not_hold(config: Path) -> None:
    _edited(config, 'name = "eitaa.com"\noutcome = "passed"', 'name = "t.me"\noutcome = "passed"')
    done = _darban("check", at=config.parent)
    assert done.code == NO
    who = "127.0.10.5 (VLAN administration, policy administrative)"
    assert f"t.me A from {who}: expected passed, got blocked" in done.out
    assert "11 of 12 hold" in done.out
    told = _darban("check", "--json", at=config.parent)
    assert told.code == NO
    [failed] = told.json["failed"]  # type: ignore[misc]
    assert set(failed) == {"place", "text"}
    assert told.json["ok"] is False


def test_check_of_a_wrong_config(config: Path) -> None:
    _edited(config, 'mode = "enforce"', 'mode = "enforced"')
    _edited(config, "id = 10\n", "id = 10000\n")
    done = _darban("check", at=config.parent)
    assert done.code == WRONG
    assert "errors 2" in done.out
    assert "expectations not run" in done.out
    told = _darban("check", "--json", at=config.parent)
    assert told.code == WRONG
    problems = told.json["problems"]
    assert isinstance(problems, list)
    assert [problem["path"] for problem in problems] == [
        "policies.administrative.mode",
        "vlans.administration.id",
    ]
    for problem in problems:
        assert set(problem) == {
            *("severity", "file", "line", "path", "found", "expected", "advice", "code"),
        }
        assert problem["severity"] == "error"
        assert problem["line"] > 0


def test_check_as_json_of_a_good_config(config: Path) -> None:
    done = _darban("check", "--json", at=config.parent)
    assert done.code == GOOD
    assert done.json == {
        "config": "config.toml",
        "ok": True,
        "problems": [],
        "acknowledged": 1,
        "expectations": 12,
        "failed": [],
    }


def test_check_of_no_config(tmp_path: Path) -> None:
    done = _darban("check", at=tmp_path)
    assert done.code == WRONG
    assert "config.toml: found No such file or directory" in done.out


def test_check_leaves_nothing_behind(config: Path) -> None:
    _darban("check", at=config.parent)
    assert [path.name for path in config.parent.iterdir()] == ["config.toml"]


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
        "matched": "web.telegram.org",
        "targets": "not checked",
        "answer": "",
        "receives": {"rcode": "NOERROR", "records": ["A 0.0.0.0"], "ttl": 60, "ede": [EDE]},
        "upstream": "",
    }


def test_explain_a_block_in_words(config: Path) -> None:
    done = _explain(config, "--client", "127.0.10.5", "web.telegram.org")
    assert done.code == NO
    assert done.out.startswith("web.telegram.org A: blocked\n")
    receives = f"receives    NOERROR, A 0.0.0.0, TTL 60, EDE {EDE}\n"
    for part in ("||telegram.org^", "1595/الف/م", "noc@agency.example", "telegram.txt", receives):
        assert part in done.out


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


def test_explain_names_the_exemption(config: Path) -> None:
    told = _explain(config, "--client", "127.0.10.7", "t.me", "--json").json
    assert (told["exemption"], told["service"]) == ("pr-2031", "telegram")


def test_explain_an_audited_policy(config: Path) -> None:
    _edited(config, 'mode = "enforce"', 'mode = "audit"')
    done = _explain(config, "--client", "127.0.10.5", "web.telegram.org", "--json")
    assert (done.json["outcome"], done.code) == ("would_block", GOOD)
    assert done.json["service"] == "telegram"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["web.telegram.org"], "say who asks"),
        (["--client", "127.0.10.5", "--vlan", "publicity", "t.me"], "say who asks"),
        (["--client", "nobody", "t.me"], "'nobody' is not an address"),
        (["--client", "10.0.0.0/8", "t.me"], "is not an address"),
        (["--vlan", "adminstration", "t.me"], "there are administration, publicity, this-host"),
        (["--client", "127.0.10.5", "t.me", "AAAAA"], "'AAAAA' is not a record type"),
        (["--client", "127.0.10.5", "a..b"], "a..b"),
        (["--client", "127.0.10.5", "x" * 64 + ".example"], "63"),
        (["--client", "127.0.10.5"], "NAME"),
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
    _edited(config, 'mode = "enforce"', 'mode = "enforced"')
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
    server.environment = {"STATE_DIRECTORY": ""}
    server.start()
    server.kill_what_is_left()
    done = _darban("explain", "--client", "127.0.10.5", "t.me", at=server.directory)
    assert done.code == UNREACHABLE


def test_explain_asks_the_policy_in_force(
    make_shipped: Callable[[], Server], dig_program: Path
) -> None:
    server = make_shipped()
    server.environment = {"STATE_DIRECTORY": ""}
    server.start()
    ask = ("explain", "--client", "127.0.10.5", "web.telegram.org", "--json")
    same = _darban(*ask, at=server.directory)
    assert (same.json["outcome"], same.code) == ("blocked", NO)
    assert set(same.json) == FIELDS
    assert "differs" not in same.err

    _edited(server.config, "allow = [] ", 'allow = ["telegram.org"] ')
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
    server.environment = {"STATE_DIRECTORY": ""}
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
        arguments = ("explain", "--live", "--client", client, *question, "--json")
        told = _darban(*arguments, at=server.directory).json["receives"]
        assert isinstance(told, dict)
        got = ask(client, *question)
        assert told["rcode"] == got.status
        assert told["records"] == [" ".join(each.split()[3:]) for each in got.answer]
        assert told["ede"] == [f"{code} {text}" for code, text in got.errors]
        if any(code in (15, 16) for code, _ in got.errors):
            assert {told["ttl"]} == {int(each.split()[1]) for each in got.answer + got.authority}


# ---- the whole ----


def test_help_names_the_commands(tmp_path: Path) -> None:
    done = _darban("--help", at=tmp_path)
    assert done.code == GOOD
    for command in ("run", "check", "explain"):
        assert f" {command} " in done.out
        assert _darban(command, "--help", at=tmp_path).code == GOOD


def test_a_command_that_is_none(tmp_path: Path) -> None:
    done = _darban("chek", at=tmp_path)
    assert done.code == WRONG
    assert "No such command 'chek'" in done.err


# ---- flush ----


def test_flush_makes_the_server_ask_again(
    make_small: Callable[..., Server], upstream: str, dig_program: Path
) -> None:
    server = make_small(server="workers = 1")
    server.environment = {"STATE_DIRECTORY": ""}
    server.start()
    ask = Asker(dig_program, server.port)

    def asked_of_the_upstream() -> float:
        assert ask("127.0.20.5", "www.agency.example").data == [ANY_V4]
        labels = {"upstream": upstream, "result": "answered"}
        return server.scrape().value("darban_upstream_queries_total", **labels)

    assert asked_of_the_upstream() == asked_of_the_upstream() == 1
    done = _darban("flush", "agency.example", at=server.directory)
    assert done.code == GOOD
    assert done.out == "cached answers removed: 1\n"
    assert asked_of_the_upstream() == 2
    assert _darban("flush", "other.example", at=server.directory).code == GOOD
    assert asked_of_the_upstream() == 2
    assert _darban("flush", "--all", at=server.directory).code == GOOD
    assert asked_of_the_upstream() == 3


@pytest.mark.parametrize("arguments", [[], ["--all", "agency.example"], ["a..b"]])
def test_flush_of_what_makes_no_sense(tmp_path: Path, arguments: list[str]) -> None:
    assert _darban("flush", *arguments, at=tmp_path).code == WRONG


def test_flush_without_a_server(tmp_path: Path) -> None:
    done = _darban("flush", "--all", at=tmp_path)
    assert done.code == UNREACHABLE
    assert "no server answers on" in done.err
