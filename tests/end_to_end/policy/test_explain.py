"""``darban explain`` where it asks upstreams itself, and where it asks for every VLAN."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.live.commands import GOOD, NO, WRONG, Done, darban
from tests.live.configs import EXEMPTION, shipped
from tests.live.ports import free_port

pytestmark = pytest.mark.core

ADMINISTRATION, EXEMPTED, PUBLICITY = "127.0.10.5", "127.0.10.7", "127.0.20.5"


@pytest.fixture
def config(tmp_path: Path, upstream: str) -> Path:
    """The shipped config with an exemption, and an upstream that answers; no server."""
    path = tmp_path / "config.toml"
    path.write_text(shipped([upstream], 5300, 9153) + EXEMPTION, encoding="utf-8")
    return path


def _live(config: Path, client: str, *question: str) -> Done:
    asked = ("--client", client, *question, "--json")
    return darban("explain", "--live", "--config", config, *asked, at=config.parent)


@pytest.mark.parametrize(
    ("client", "question", "outcome", "matched", "answer"),
    [
        (
            *(ADMINISTRATION, ["long.scene"], "blocked", "web.telegram.org"),
            "NOERROR, by way of alias.scene, web.telegram.org",
        ),
        (
            *(EXEMPTED, ["alias.scene"], "exempted", "web.telegram.org"),
            "NOERROR, by way of web.telegram.org",
        ),
        (
            *(EXEMPTED, ["https.scene", "HTTPS"], "blocked", "web.whatsapp.com"),
            "NOERROR, by way of web.whatsapp.com",
        ),
        (
            *(PUBLICITY, ["alias.scene"], "passed", ""),
            "NOERROR, by way of web.telegram.org",
        ),
        (
            *(ADMINISTRATION, ["harmless.scene"], "passed", ""),
            "NOERROR, by way of www.agency.example",
        ),
        (ADMINISTRATION, ["range.scene"], "blocked", "149.154.167.99", "NOERROR"),
        (EXEMPTED, ["range.scene"], "exempted", "149.154.167.99", "NOERROR"),
        (PUBLICITY, ["range.scene"], "passed", "", "NOERROR"),
        *(
            (*(ADMINISTRATION, ["range.scene", rtype], "blocked", address), "NOERROR")
            for rtype, address in [
                ("AAAA", str(ip_address("::ffff:149.154.167.99"))),
                ("HTTPS", "149.154.167.99"),
            ]
        ),
        (ADMINISTRATION, ["cloud.scene"], "passed", "", "NOERROR"),
        (ADMINISTRATION, ["big.scene", "TXT"], "passed", "", "NOERROR"),
        (ADMINISTRATION, ["nothing.scene"], "passed", "", "NXDOMAIN"),
    ],
)
def test_what_a_name_leads_to_is_judged(
    config: Path, client: str, question: list[str], outcome: str, matched: str, answer: str
) -> None:
    done = _live(config, client, *question)
    told = done.json
    assert (told["outcome"], told["matched"], told["answer"]) == (outcome, matched, answer)
    assert told["targets"] == "checked"
    assert done.code == (NO if outcome == "blocked" else GOOD)
    if matched:
        assert told["list"]
        assert told["line"]


def test_the_name_of_a_service_is_not_taken_for_its_names(config: Path) -> None:
    arguments = ("--config", config, "--vlan", "administration")
    done = darban("explain", *arguments, "telegram", at=config.parent)
    assert done.err.endswith("not about the names of the service telegram\n")
    assert not darban("explain", *arguments, "t.me", at=config.parent).err


def test_nobody_is_asked_about_what_is_blocked_already(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[upstream]\nservers", "[upstream]\n#"), encoding="utf-8")
    told = _live(config, ADMINISTRATION, "t.me").json
    assert (told["outcome"], told["targets"], told["answer"]) == ("blocked", "not checked", "")


def test_an_upstream_that_does_not_answer_is_told(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(shipped([f"127.0.0.1:{free_port()}"], 5300, 9153), encoding="utf-8")
    told = _live(config, ADMINISTRATION, "www.agency.example").json
    assert (told["outcome"], told["targets"]) == ("passed", "not checked")
    reason = "no upstream server answered: refused by an ICMP error, TCP connection failed"
    assert told["answer"] == f"none: {reason}"


def test_every_vlan_is_told(config: Path) -> None:
    asked = ("explain", "--config", config, "--all-vlans")
    done = darban(*asked, "t.me", "--json", at=config.parent)
    assert done.code == NO
    vlans = done.json["vlans"]
    assert isinstance(vlans, list)
    assert [(vlan["vlan"], vlan["outcome"]) for vlan in vlans] == [
        *(("administration", "blocked"), ("publicity", "passed"), ("this-host", "passed")),
    ]
    done = darban(*asked, "--live", "alias.scene", at=config.parent)
    assert done.code == NO
    title, _, *lines = done.out.splitlines()
    assert title.strip() == "alias.scene A"
    assert [line.split()[:3] for line in lines] == [
        ["administration", "administrative", "blocked"],
        ["publicity", "publicity", "passed"],
        ["this-host", "publicity", "passed"],
    ]
    assert "web.telegram.org" in lines[0]
    assert darban(*asked, "agency.example", at=config.parent).code == GOOD
    both = darban(*asked, "--vlan", "publicity", "t.me", at=config.parent)
    assert both.code == WRONG
    assert "say who asks" in both.err
