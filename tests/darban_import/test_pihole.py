"""A gravity.db becomes a config that answers as Pi-hole did, client by client."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from darban_import.old_setup import OldSetup, OldSetupError
from darban_import.pihole import read_gravity
from tests.darban_import.gravity import PiHole
from tests.darban_import.imported import explainer, outcomes, text, vlan

ADS = ("ads.example.com", "banner.example.net", "cdn.example.org")
GAMES = ("play.example.com", "cdn.example.org")
ALLOW, DENY, REGEX_ALLOW, REGEX_DENY = range(4)
KIDS, GUESTS, OFF = 1, 2, 3
CLIENTS = ("10.10.0.9", "10.20.0.9", "10.20.3.7", "10.30.0.9", "10.40.0.9", "fd00:20::9")
NAMES = (
    *ADS,
    *GAMES,
    *("below.ads.example.com", "www.example.com", "example.com", "telegram.org"),
    *("web.telegram.org", "nottelegram.org", "t.me", "good.tracker.example", "tracker.example"),
    *("deep.good.tracker.example", "other.tracker.example", "exact.example", "a.exact.example"),
)


def _pihole(directory: Path) -> tuple[PiHole, dict[str, Iterable[str]]]:
    """A Pi-hole with two lists, and what each has."""
    of_lists: dict[str, Iterable[str]] = {}
    for name, listed in (("ads-hosts", ADS), ("games-domains", GAMES)):
        path = directory / f"{name}.txt"
        begin = "0.0.0.0 " if name == "ads-hosts" else ""
        path.write_text("".join(f"{begin}{item}\n" for item in listed), encoding="utf-8")
        of_lists[f"file://{path}"] = listed
    ads, games = of_lists
    made = PiHole(
        groups={KIDS: ("Kids & co", True), GUESTS: ("guests", True), OFF: ("off", False)},
        domains=[
            (ALLOW, "cdn.example.org", [0]),
            (DENY, "cdn.example.org", [KIDS]),
            (DENY, "t.me", [0, OFF]),
            (REGEX_DENY, r"(\.|^)telegram\.org$", [0, KIDS]),
            (REGEX_DENY, r"(^|\.)tracker\.example$", [0]),
            (REGEX_ALLOW, r"(\.|^)good\.tracker\.example$", [0, GUESTS]),
            (DENY, "deep.good.tracker.example", [0, GUESTS]),
            (REGEX_DENY, r"^exact\.example$", [KIDS]),
        ],
        lists=[(ads, [0, KIDS]), (games, [KIDS])],
        clients=[
            ("10.20.0.0/16", [KIDS]),
            ("10.20.3.7", [0, KIDS]),
            ("10.30.1.1/16", [GUESTS]),
            ("10.40.0.0/16", [OFF]),
            ("fd00:20::/64", [KIDS]),
        ],
    )
    return made, of_lists


def _read(made: PiHole, directory: Path, release: int = 6) -> OldSetup:
    path = directory / "gravity.db"
    made.save(path, release)
    return read_gravity(path.read_bytes(), path)


@pytest.mark.parametrize("release", [5, 6])
def test_each_client_gets_what_it_got_before(tmp_path: Path, release: int) -> None:
    made, of_lists = _pihole(tmp_path)
    asked = explainer(tmp_path, _read(made, tmp_path, release), vlan("staff", "10.10.0.0/16"))
    before = {
        f"{client} {name} {'blocked' if made.blocks(client, name, of_lists) else 'passed'}"
        for client in CLIENTS
        for name in NAMES
    }
    assert len({item.rpartition(" ")[2] for item in before}) == 2
    assert outcomes(asked, CLIENTS, NAMES) == before


def test_a_vlan_for_each_combination_of_groups(tmp_path: Path) -> None:
    made, _ = _pihole(tmp_path)
    read = tomllib.loads(text(_read(made, tmp_path), vlan("staff", "10.10.0.0/16")))
    assert {name: item["prefixes"] for name, item in read["vlans"].items()} == {
        "staff": ["10.10.0.0/16"],
        "kids-co": ["10.20.0.0/16", "fd00:20::/64"],
        "default-kids-co": ["10.20.3.7/32"],
        "guests": ["10.30.0.0/16"],
        "no-group": ["10.40.0.0/16"],
    }


def test_there_are_expectations_of_each_group(tmp_path: Path) -> None:
    made, _ = _pihole(tmp_path)
    read = tomllib.loads(text(_read(made, tmp_path), vlan("staff", "10.10.0.0/16")))
    expected = {(item["client"], item["outcome"]) for item in read["expect"]}
    assert expected == {
        *(("10.10.0.5", "blocked"), ("10.10.0.5", "passed")),
        *(("10.20.0.5", "blocked"), ("10.20.3.7", "blocked"), ("10.20.3.7", "passed")),
        *(("10.30.0.5", "passed"), ("10.40.0.5", "passed")),
        ("192.0.2.1", "refused"),
    }


@pytest.mark.parametrize(
    ("kind", "domain"),
    [
        (REGEX_DENY, r"^ad[0-9]+\."),
        (REGEX_DENY, r"telegram\.org"),
        (REGEX_DENY, r"(\.|^)telegram.org$"),
        (REGEX_DENY, r"(\.|^)telegram\.org$;querytype=A"),
        (REGEX_ALLOW, ".*"),
        (DENY, "com"),
        (DENY, "a b.example"),
        (DENY, 'x"\n[policies.y]'),
        (7, "example.com"),
    ],
)
def test_what_is_no_rule_here_is_left_and_said(tmp_path: Path, kind: int, domain: str) -> None:
    old = _read(PiHole(domains=[(kind, domain, [0])]), tmp_path)
    assert (old.default.allow, old.default.deny) == ((), ())
    assert [item for item in old.left if domain in item]
    read = tomllib.loads(text(old, vlan("staff", "10.10.0.0/16")))
    assert read["policies"].keys() == {"default"}


@pytest.mark.parametrize(
    "client", ["aa:bb:cc:dd:ee:ff", "laptop", ":eth0", "fe80::1", "10.0.0.0/99"]
)
def test_a_client_without_an_address_is_left_and_said(tmp_path: Path, client: str) -> None:
    old = _read(PiHole(clients=[(client, [0])]), tmp_path)
    assert old.clients == []
    assert [item for item in old.left if item.startswith(f"client {client}: ")]


@pytest.mark.parametrize(
    "address", ["http://lists.example/ads.txt", "ftp://lists.example/x", "x\n"]
)
def test_a_list_that_cannot_be_fetched_is_left_and_said(tmp_path: Path, address: str) -> None:
    old = _read(PiHole(lists=[(address, [0])]), tmp_path)
    assert old.lists == {}
    assert [item for item in old.left if item.startswith(f"list {address}")]


def test_a_value_of_another_type_is_refused(tmp_path: Path) -> None:
    made = PiHole(clients=[("10.0.0.1", [0])])
    made.clients = [(b"10.0.0.1", [0])]  # type: ignore[list-item] # as a hostile file may have it
    with pytest.raises(OldSetupError, match="a value of another type than Pi-hole writes"):
        _read(made, tmp_path)
