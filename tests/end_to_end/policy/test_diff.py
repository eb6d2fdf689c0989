"""``darban diff`` as people and scripts use it: two configs, or what is in force."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live.commands import GOOD, NO, UNREACHABLE, WRONG, darban, diff
from tests.live.configs import blocking_more, shipped
from tests.live.server import Server

UPSTREAM = "127.0.0.1:9"
"""No command here asks it."""
SAME = "all names: the same for every name, exemptions aside"


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    """old.toml as shipped, and new.toml that blocks workplace chat besides."""
    text = shipped([UPSTREAM], 5300, 9153)
    (tmp_path / "old.toml").write_text(text, encoding="utf-8")
    (tmp_path / "new.toml").write_text(blocking_more(text), encoding="utf-8")
    return tmp_path


def test_two_configs_that_say_the_same(configs: Path) -> None:
    done = darban("diff", "old.toml", "old.toml", at=configs)
    assert (done.code, done.out) == (GOOD, "from old.toml to old.toml: no change\n")


def test_the_command_for_failed_expectations_names_the_file(configs: Path) -> None:
    text = (configs / "old.toml").read_text(encoding="utf-8")
    failing = '[[expect]]\nclient = "127.0.10.5"\nname = "eitaa.com"\noutcome = "blocked"\n'
    (configs / "new.toml").write_text(f"{text}\n{failing}", encoding="utf-8")
    done = darban("diff", "old.toml", "new.toml", at=configs)
    assert "expectations that do not hold: 1; 'darban check new.toml'" in done.err


_NEW_VLAN = """
[vlans.branch-2]
prefixes = ["127.0.13.0/24"]
policy = "administrative"
"""


def test_a_new_vlan_has_an_expectation_to_add(configs: Path) -> None:
    text = (configs / "old.toml").read_text(encoding="utf-8") + _NEW_VLAN
    (configs / "new.toml").write_text(text, encoding="utf-8")
    done = darban("diff", "old.toml", "new.toml", at=configs)
    assert done.code == NO
    about, _, expectation = done.out.partition(
        "no [[expect]] asks as a client of VLAN branch-2; this one holds, and may be added:\n"
    )
    assert "VLANs\n  + branch-2\n" in about
    assert expectation == (
        '\n[[expect]]\nclient = "127.0.13.5"\nname = "web.telegram.org"\noutcome = "blocked"\n\n'
    )
    (configs / "new.toml").write_text(text + expectation, encoding="utf-8")
    assert darban("check", "new.toml", at=configs).code == GOOD
    assert "no [[expect]]" not in darban("diff", "old.toml", "new.toml", at=configs).out


def test_the_expectation_to_add_holds_at_all_hours(configs: Path) -> None:
    text = (configs / "old.toml").read_text(encoding="utf-8")
    hours = (
        '[hours.office]\ndays = ["sat"]\nfrom = "07:30"\nto = "14:30"\n'
        "[policies.hourly]\nblock = []\n"
        'during = [{ hours = "office", block = ["telegram"] }]\n'
    )
    vlan = _NEW_VLAN.replace("administrative", "hourly")
    (configs / "new.toml").write_text(f"{text}\n{hours}{vlan}", encoding="utf-8")
    done = darban("diff", "old.toml", "new.toml", at=configs)
    assert 'name = "eitaa.com"\noutcome = "passed"\n' in done.out


def test_a_policy_that_goes_to_audit_fits_a_screen(configs: Path) -> None:
    """Of its 36 services, all are named, and examples are left to ``--all``."""
    text = (configs / "old.toml").read_text(encoding="utf-8")
    audit = text.replace('mode = "enforce"', 'mode = "audit"')
    (configs / "new.toml").write_text(audit, encoding="utf-8")
    told = darban("diff", "old.toml", "new.toml", at=configs).out.splitlines()
    assert len(told) <= 30
    assert "36 services" in told[-2]
    assert told[-1].count(",") >= 35
    whole = darban("diff", "old.toml", "new.toml", "--all", at=configs).out
    assert "blocked → would_block (telegram), " in whole
    assert "more (--all" not in whole


def test_a_policy_that_blocks_more(configs: Path) -> None:
    done = darban("diff", "old.toml", "new.toml", at=configs)
    assert done.code == NO, done.err
    assert done.out.splitlines() == [
        "from old.toml to new.toml: 1 change",
        "policies",
        "  ~ administrative",
        "      block: + slack, + zoom",
        "all names: some become stricter",
        *done.out.splitlines()[5:],
    ]
    assert "  + stricter on administration: passed → blocked (zoom)" in done.out
    as_json = diff("old.toml", "new.toml", at=configs)
    assert {item["service"] for item in as_json.pop("names")} == {"slack", "zoom"}
    assert as_json == {
        "old": "old.toml",
        "new": "new.toml",
        "needs_restart": [],
        "changes": [
            {
                "section": "policies",
                "name": "administrative",
                "how": "changed",
                "details": [{"key": "block", "gone": [], "added": ["slack", "zoom"]}],
            }
        ],
        "prefixes_not_compared": [],
        "expectations_compared": True,
        "questions": None,
    }


def test_settings_that_need_a_restart_are_marked(configs: Path) -> None:
    new = configs / "new.toml"
    text = (configs / "old.toml").read_text(encoding="utf-8")
    new.write_text(text.replace("127.0.0.1:9153", "127.0.0.1:9154"), encoding="utf-8")
    done = darban("diff", "old.toml", "new.toml", at=configs)
    assert done.out.splitlines()[1:] == [
        "settings",
        "  ~ metrics: 127.0.0.1:9153 → 127.0.0.1:9154",
        SAME,
        "needs a restart, and is refused by a reload: metrics.listen",
    ]


PARTS = """
[server.proxy]
listen = ["127.0.0.1:5353"]
from = ["127.0.0.1/32", "fd00::/64"]
[front]
dns = ["10.0.0.53:53", "[fd00::53]:53"]
[publish]
listen = ["127.0.0.1:8053"]
[publish.secondaries.tehran]
address = "10.1.0.53"
[block_log]
enabled = true
"""


def test_settings_that_have_parts(configs: Path) -> None:
    text = (configs / "old.toml").read_text(encoding="utf-8")
    text = text.replace("[upstream]", "[upstream]\nrebinding_protection = true", 1)
    text = text.replace(f'"{UPSTREAM}"', f'"{UPSTREAM}", "[fd00::9]:9"')
    text = text.replace(
        "[upstream]", '[upstream]\nrebinding_allow = ["a.example", "10.0.0.0/8"]', 1
    )
    (configs / "new.toml").write_text(text + PARTS, encoding="utf-8")
    done = darban("diff", "old.toml", "new.toml", at=configs)
    assert done.out.splitlines()[1:-1] == [
        "upstreams",
        "  ~ default",
        f"      servers: {UPSTREAM} → {UPSTREAM}, [fd00::9]:9",
        "      rebinding_protection: False → True",
        "      rebinding.names: none → a.example",
        "      rebinding.prefixes: none → 10.0.0.0/8",
        "settings",
        "  ~ block_log.client: none → vlan",
        "  ~ block_log.max_bytes: none → 4294967296",
        "  ~ block_log.retention_days: none → 100",
        "  ~ front.dns: none → 10.0.0.53:53, [fd00::53]:53",
        "  ~ front.nodes: none → 127.0.0.1:5353",
        "  ~ publish.listen: none → 127.0.0.1:8053",
        "  ~ publish.secondaries: none → tehran 10.1.0.53:53",
        "  ~ publish.zone: none → rpz.internal",
        "  ~ server.proxy.from: none → 127.0.0.1/32, fd00::/64",
        "  ~ server.proxy.listen: none → 127.0.0.1:5353",
        SAME,
    ]
    back = darban("diff", "new.toml", "old.toml", at=configs)
    assert "  ~ front.nodes: 127.0.0.1:5353 → none" in back.out.splitlines()


OF_TEXT = """
[pair]
nodes = ["noc@10.0.0.2"]
[warnings]
acknowledged = ["open-vlan:guests"]
[hours.office]
days = ["sat"]
from = "07:30"
to = "14:30"
[[expect]]
client = "127.0.10.5"
name = "t.me"
outcome = "blocked"
"""


def test_what_no_snapshot_holds(configs: Path) -> None:
    text = (configs / "old.toml").read_text(encoding="utf-8") + OF_TEXT
    (configs / "old.toml").write_text(text, encoding="utf-8")
    edited = text.replace('"noc@10.0.0.2"', '"noc@10.0.0.3"').replace("open-vlan:guests", "loss")
    (configs / "new.toml").write_text(edited + 'hours = "office"\n', encoding="utf-8")
    done = darban("diff", "old.toml", "new.toml", at=configs)
    assert done.out.splitlines()[1:] == [
        "settings",
        "  ~ pair.nodes: noc@10.0.0.2 → noc@10.0.0.3",
        "  ~ warnings.acknowledged: open-vlan:guests → loss",
        "expectations",
        "  - t.me A from 127.0.10.5",
        "  + t.me A from 127.0.10.5 within office",
        "      outcome: blocked",
        SAME,
    ]


def test_questions_by_vlan(configs: Path) -> None:
    questions = "slack.com A\nslack.com A\nwww.slack.com AAAA\nzoom.us A\nt.me A\na..b A\n"
    (configs / "names.txt").write_text(questions, encoding="ascii")
    arguments = ("old.toml", "new.toml", "--queries", "names.txt")
    found = diff(*arguments, at=configs)["questions"]
    assert (found["file"], found["read"]) == ("names.txt", 5)
    [skipped] = found["skipped"]
    assert skipped == {"reason": "not a domain name", "times": 1, "first": "line 6"}
    assert found["vlans"] == {
        "administration": {"questions": 5, "changed": 4},
        "publicity": {"questions": 5, "changed": 0},
        "this-host": {"questions": 5, "changed": 0},
    }
    turns = {
        (t["vlan"], t["old"], t["new"], t["service"]): {n["name"]: n["types"] for n in t["names"]}
        for t in found["changed"]
    }
    assert turns == {
        ("administration", "passed", "blocked", "slack"): {
            "slack.com": {"A": 2},
            "www.slack.com": {"AAAA": 1},
        },
        ("administration", "passed", "blocked", "zoom"): {"zoom.us": {"A": 1}},
    }
    one = diff(*arguments, "--vlan", "publicity", at=configs)["questions"]
    assert one["vlans"] == {"publicity": {"questions": 5, "changed": 0}}
    text = darban("diff", *arguments, at=configs).out
    assert "queries of names.txt: 5 read, 4 change" in text
    assert "    ~ passed → blocked (slack): 3 queries, 2 names" in text
    assert "  left out 1: not a domain name (first: line 6)" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["old.toml", "new.toml", "third.toml"], "two configs at most"),
        (["old.toml", "none.toml"], "none.toml"),
        (["old.toml", "new.toml", "--config", "old.toml"], "OLD is given"),
        (["old.toml", "new.toml", "--vlan", "publicity"], "--queries"),
        (["old.toml", "new.toml", "--queries", "none.txt"], "none.txt: No such file"),
        (["old.toml", "new.toml", "--queries", "."], "Is a directory"),
        (["old.toml", "new.toml", "--queries", "old.toml"], "old.toml: found a file that begins"),
        (["old.toml", "new.toml", "--queries", "empty"], "empty: found an empty file"),
        (
            ["old.toml", "new.toml", "--queries", "names.txt", "--vlan", "pr"],
            "there is no VLAN 'pr' in both; in both there are: administration, publicity",
        ),
    ],
)
def test_what_makes_no_sense(configs: Path, arguments: list[str], said: str) -> None:
    (configs / "empty").write_bytes(b"")
    (configs / "names.txt").write_text("t.me A\n", encoding="ascii")
    done = darban("diff", *arguments, at=configs)
    assert done.code == WRONG
    assert said in done.err
    assert done.out == ""


def test_targets_are_judged_live_or_said_to_be_unknown(tmp_path: Path, upstream: str) -> None:
    text = shipped([upstream], 5300, 9153)
    less = text.replace('block = ["@messenger", ', 'block = ["line", ')
    assert less != text
    (tmp_path / "old.toml").write_text(less, encoding="utf-8")
    (tmp_path / "new.toml").write_text(text, encoding="utf-8")
    lines = "alias.scene A\nalias.scene AAAA\nhttps.scene HTTPS\nharmless.scene A\nt.me A\n"
    (tmp_path / "names.txt").write_text(lines, encoding="ascii")
    arguments = ("old.toml", "new.toml", "--queries", "names.txt", "--vlan", "administration")
    text = darban("diff", *arguments, at=tmp_path).out
    assert "queries of names.txt: 5 read, 1 change" in text
    unknown = "targets not judged of 4 of 5 queries, summed over the VLANs: "
    assert f"{unknown}--live asks for their answers" in text
    found = diff(*arguments, "--live", at=tmp_path)["questions"]
    assert found["targets_unknown"] == 0
    assert {
        (name["name"], rtype)
        for change in found["changed"]
        for name in change["names"]
        for rtype in name["types"]
    } == {("alias.scene", "A"), ("alias.scene", "AAAA"), ("https.scene", "HTTPS"), ("t.me", "A")}
    for name in ("old.toml", "new.toml"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(upstream, UPSTREAM), encoding="utf-8")
    text = darban("diff", *arguments, "--live", at=tmp_path).out
    assert f"{unknown}no upstream answered" in text


# ---- against what is in force ----


def test_without_a_server(configs: Path) -> None:
    done = darban("diff", "new.toml", "--config", "old.toml", at=configs)
    assert done.code == UNREACHABLE
    assert "no server answers on" in done.err


@pytest.fixture
def running(make_shipped: Callable[[], Server]) -> Server:
    """A server whose state is beside its config, as the commands look for it."""
    server = make_shipped()
    return server.start()


def test_what_is_in_force_is_the_old_one(running: Server) -> None:
    place = running.directory
    text = running.config.read_text(encoding="utf-8")
    same = darban("diff", at=place)
    assert (same.code, same.out) == (GOOD, "from in force to config.toml: no change\n")

    (place / "new.toml").write_text(blocking_more(text), encoding="utf-8")
    found = diff("new.toml", at=place)
    assert [change["name"] for change in found["changes"]] == ["administrative"]
    assert found["expectations_compared"] is True

    running.config.write_text(blocking_more(text), encoding="utf-8")
    assert diff(at=place)["changes"] == found["changes"]

    expected = '[[expect]]\nclient = "127.0.10.5"\nname = "eitaa.com"\noutcome = "passed"\n'
    assert text.count(expected) == 1
    running.config.write_text(text.replace(expected, ""), encoding="utf-8")
    [change] = diff(at=place)["changes"]
    assert (change["section"], change["how"]) == ("expectations", "gone")
    assert change["name"] == "eitaa.com A from 127.0.10.5"

    for kept in (place / ".darban" / "configs").iterdir():
        kept.unlink()
    unknown = diff(at=place)
    assert (unknown["changes"], unknown["expectations_compared"]) == ([], False)
    assert "expectations, [pair] and [warnings] are not compared" in darban("diff", at=place).out


def test_what_is_in_force_with_files_that_it_includes(
    make_shipped: Callable[[], Server],
) -> None:
    server = make_shipped()
    place = server.directory
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text('include = ["more.d/*.toml"]\n' + text, encoding="utf-8")
    (place / "more.d").mkdir()
    more = '[[expect]]\nclient = "127.0.10.5"\nname = "bale.ai"\noutcome = "passed"\n'
    (place / "more.d" / "one.toml").write_text(more, encoding="utf-8")
    server.start()
    assert darban("diff", at=place).code == GOOD
    (place / "more.d" / "one.toml").write_text("", encoding="utf-8")
    [change] = diff(at=place)["changes"]
    assert change["name"] == "bale.ai A from 127.0.10.5"
