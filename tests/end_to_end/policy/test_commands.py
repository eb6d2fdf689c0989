"""The commands as people and scripts use them: what they print, and how they exit."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.live.clients import Asker
from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG
from tests.live.commands import darban as _darban
from tests.live.configs import EXEMPTION, edited, shipped
from tests.live.forked import MODULE
from tests.live.nsd import ANY_V4
from tests.live.server import DARBAN, Server

UPSTREAM = "127.0.0.1:9"
"""No command here asks it."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped config, in a file, with an exemption."""
    path = tmp_path / "config.toml"
    path.write_text(shipped([UPSTREAM], 5300, 9153) + EXEMPTION, encoding="utf-8")
    return path


# ---- check ----


@pytest.mark.parametrize("program", [(DARBAN,), MODULE], ids=["darban", "python -m resolver"])
def test_check_of_a_good_config(config: Path, program: Sequence[str | Path]) -> None:
    command = [*program, "check", "--config", config]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == GOOD, done.stdout + done.stderr
    assert "errors 0, warnings 0 and 1 acknowledged, expectations: 12 of 12" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [("check",), ("check", "--help"), ("--version",)],
    ids=" ".join,
)
def test_an_output_that_cannot_be_written_is_no_answer(
    config: Path, arguments: tuple[str, ...]
) -> None:
    options: list[str | Path] = (
        [] if arguments[-1] in ("--help", "--version") else ["--config", config]
    )
    command: list[str | Path] = [DARBAN, *arguments, *options]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == WRONG
    assert done.stderr == b"the output cannot be written (No space left on device)\n"


def test_check_takes_the_config_that_is_here(config: Path) -> None:
    done = _darban("check", at=config.parent)
    assert done.code == GOOD
    assert done.out.startswith("config.toml: ")


def test_check_of_a_file_that_is_named(config: Path) -> None:
    config.rename(config.with_name("new.toml"))
    done = _darban("check", "new.toml", at=config.parent)
    assert (done.code, done.out.partition(":")[0]) == (GOOD, "new.toml")
    both = _darban("check", "new.toml", "--config", "new.toml", at=config.parent)
    assert (both.code, both.err) == (WRONG, "say one of FILE and --config\n")


def test_check_of_an_address_that_this_host_lacks(config: Path) -> None:
    edited(config, '"127.0.0.1:5300"', '"127.0.0.1:5300", "192.0.2.53:53"')
    done = _darban("check", at=config.parent)
    said = 'server.listen: found "192.0.2.53:53"; expected addresses of the host that serves'
    assert f"warning [absent-address]: {said}" in done.out
    assert done.code == GOOD
    edited(config, "acknowledged = [", 'acknowledged = ["absent-address", ')
    assert "absent-address" not in _darban("check", at=config.parent).out


def test_check_of_urls_in_the_place_of_names(config: Path) -> None:
    edited(config, "deny = []", 'deny = ["https://chat.example/a", "chat.example:443", "||com^"]')
    done = _darban("check", at=config.parent)
    told = [line for line in done.out.splitlines() if "policies.administrative.deny" in line]
    assert 'Write "chat.example", the name alone.' in told[0]
    assert 'Write "chat.example", the name alone.' in told[1]
    assert "whole top-level domain" in told[2]


def test_check_of_an_expectation_that_does_not_hold(config: Path) -> None:
    edited(config, 'name = "eitaa.com"\noutcome = "passed"', 'name = "t.me"\noutcome = "passed"')
    done = _darban("check", at=config.parent)
    assert done.code == NO
    who = "127.0.10.5 (VLAN administration, policy administrative)"
    assert f"t.me A from {who}: expected passed, got blocked" in done.out
    assert "11 of 12 hold" in done.out
    told = _darban("check", "--json", at=config.parent)
    assert told.code == NO
    [failed] = told.json["failed"]
    assert set(failed) == {"place", "text", "lists"}
    assert told.json["ok"] is False


def test_check_of_a_wrong_config(config: Path) -> None:
    edited(config, 'mode = "enforce"', 'mode = "enforced"')
    edited(config, "id = 10\n", "id = 10000\n")
    done = _darban("check", at=config.parent)
    assert done.code == WRONG
    assert "errors 2" in done.out
    assert "expectations: not run" in done.out
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
        "not_in_zones": [],
        "expectations": 12,
        "failed": [],
        "hours": [],
    }


def test_check_of_no_config(tmp_path: Path) -> None:
    done = _darban("check", at=tmp_path)
    assert done.code == WRONG
    assert "config.toml: found No such file or directory" in done.out


def test_check_leaves_nothing_behind(config: Path) -> None:
    _darban("check", at=config.parent)
    assert [path.name for path in config.parent.iterdir()] == ["config.toml"]


# ---- the whole ----


def test_help_names_the_commands(tmp_path: Path) -> None:
    done = _darban("--help", at=tmp_path)
    assert done.code == GOOD
    for command in ("run", "check", "explain"):
        assert f" {command} " in done.out
        assert _darban(command, "--help", at=tmp_path).code == GOOD


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "۱۰.0.0.1", "example.org", "--config", "config.toml"),
        ("explain", "--client", "١٠.0.0.1", "example.org"),
        ("exempt", "۱۰.0.0.1", "telegram", "--for", "2h", "--approver", "CIO", "--ticket", "IT-1"),
        ("export", "nftables", "--dns-server", "۱۰.۰.۰.۱"),
        ("init", "--vlan", "a=۱۰.۰.۰.۱", "new.toml"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_address_in_persian_or_arabic_digits(config: Path, arguments: Sequence[str]) -> None:
    done = _darban(*arguments, at=config.parent)
    expected = 'expected an address in the digits 0 to 9. Write "10.0.0.1".\n'
    assert (done.code, done.err) == (WRONG, expected)


def test_a_command_that_is_none(tmp_path: Path) -> None:
    done = _darban("chek", at=tmp_path)
    assert done.code == WRONG
    assert "No such command 'chek'" in done.err


# ---- flush ----


def test_flush_makes_the_server_ask_again(
    make_small: Callable[..., Server], upstream: str, dig_program: Path
) -> None:
    server = make_small(server="workers = 1")
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
