"""Zones are made only where what decides them has changed, and are then as if made anew."""

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.policy.view import View
from resolver.publish import writer, zone_record
from resolver.publish.policy_zones import ZoneAction, ZoneRules, policy_zones
from resolver.publish.zone_text import contents
from resolver.snapshot.snapshot import Snapshot
from tests.config.tables import exemption, vlan
from tests.policy.networks import snapshot_of

_TABLES = (
    vlan("first", "first", "10.1.0.0/16")
    + vlan("second", "second", "10.2.0.0/16")
    + vlan("third", "third", "10.3.0.0/16")
    + vlan("fourth", "third", "10.4.0.0/16")
    + vlan("audited", "audited", "10.5.0.0/16")
    + exemption("it", "two", vlan="third")
)
CONFIG = (
    """
[publish]
listen = ["127.0.0.1:8053"]

[policies.first]
block = ["one", "@encrypted-dns"]
allow = ["allowed.a.example"]
sinkhole = ["10.0.0.1"]

[policies.second]
block = ["two"]
answer = "nxdomain"

[policies.third]
block = ["two", "three"]

[policies.audited]
block = ["two"]
mode = "audit"

[[local]]
name = "here.b.example"
records = ["A 10.0.0.30"]
"""
    + _TABLES
)
LISTS = {
    "one": "! Category: messenger\n||a.example^\n||b.example^\n@@||x.a.example^\n"
    "||y.x.d.example^\n",
    "two": "! Category: messenger\n||a.b.example^\n|c.example^\n||d.example^\n",
    "one.ip": "203.1.112.0/22\n",
    "three": "! Category: messenger\n||a.b.example^\n||e.example^\n",
    "canaries": "! Category: encrypted-dns\n! Answer: nxdomain\n|canary.example^\n",
}
OFFICE = """
[hours.office]
days = ["sat", "sun", "mon", "tue", "wed"]
from = "07:30"
to = "14:30"
"""
EXEMPTED_IN_HOURS = 'vlan = "fourth"\nservices = ["three"]\nhours = "office"'
BEGINS, ENDS = 1_800_072_000.0, 1_800_097_200.0
"""Of the hours of a Saturday, in seconds since 1970."""
BEFORE, AFTER = 1.8e9, 2e9
"""Before and after the end of the exemption, in seconds since 1970."""


def write(directory: Path, of: Snapshot, wall: float = BEFORE) -> writer.WriteResult:
    return writer.write(of.compiled, of.index(), directory, wall)


def bodies(directory: Path) -> dict[str, list[str]]:
    """The zones of a directory without their serials and checksums."""
    files = directory.glob("*.zone")
    return {
        file.name: [line for line in file.read_text().splitlines()[:-1] if " SOA " not in line]
        for file in files
    }


def short(zones: list[str]) -> list[str]:
    return [zone.removesuffix(".rpz.internal") for zone in zones]


def changed(first: writer.WriteResult, second: writer.WriteResult) -> list[str]:
    """The zones whose serial is another."""
    return short([zone for zone, s in second.serials.items() if first.serials.get(zone) != s])


def written_over(
    directory: Path,
    config: str = CONFIG,
    lists: dict[str, str] = LISTS,
    wall: float = BEFORE,
    before: str = CONFIG,
) -> tuple[list[str], list[str]]:
    """Write the zones of a config and then others, which must be as if there were none before.

    The zones that were made the second time, and those whose serial is another.
    """
    first = write(directory / "zones", snapshot_of(before, LISTS))
    after = snapshot_of(config, lists)
    second = write(directory / "zones", after, wall)
    write(directory / "anew", after, wall)
    anew = bodies(directory / "anew")
    assert {
        file: body for file, body in bodies(directory / "zones").items() if file in anew
    } == anew
    return short(second.made), changed(first, second)


def test_all_zones_are_made_once(tmp_path: Path) -> None:
    first = write(tmp_path, snapshot_of(CONFIG, LISTS))
    assert first.made == [*first.serials]
    assert len(first.made) == 9
    assert written_over(tmp_path) == ([], [])


@pytest.mark.parametrize(
    ("service", "line", "written"),
    [
        ("two", "||new.example^\n", ["second.policy", "third.policy", "third.vlan"]),
        ("one", "||new.example^\n", ["first.policy"]),
        ("canaries", "||new.example^\n", ["first.policy"]),
        ("one", "! A comment.\n", []),
    ],
)
def test_a_line_changes_only_the_zones_of_policies_that_block_it(
    tmp_path: Path, service: str, line: str, written: list[str]
) -> None:
    lists = LISTS | {service: LISTS[service] + line}
    _, changes = written_over(tmp_path, lists=lists)
    assert [zone for zone in changes if zone != "audited.policy"] == written


def test_an_exemption_makes_the_zone_of_its_vlan(tmp_path: Path) -> None:
    another = CONFIG.replace('services = ["two"]', 'services = ["three"]')
    for config, wall in ((CONFIG, AFTER), (another, BEFORE)):
        assert written_over(tmp_path, config, wall=wall) == (["third.vlan"], ["third.vlan"])


def test_hours_make_the_zones_of_what_they_begin_and_end(tmp_path: Path) -> None:
    """Within them a policy blocks a service more, and a VLAN has an exemption."""
    policy = 'block = ["three"]\nduring = [{ hours = "office", block = ["two"] }]'
    text = CONFIG.replace('block = ["two", "three"]', policy) + OFFICE
    text = text.replace('vlan = "third"\nservices = ["two"]', EXEMPTED_IN_HOURS)
    of, zones = snapshot_of(text, LISTS), tmp_path / "zones"
    made, written = ["third.policy", "third.vlan", "fourth.vlan"], ["third.policy", "fourth.vlan"]
    results, found = [], []
    for wall in (BEGINS - 1, BEGINS, ENDS - 1, ENDS, BEGINS + 1):
        results.append(write(zones, of, wall))
        found.append(bodies(zones))
        write(tmp_path / str(wall), of, wall)
        assert found[-1] == bodies(tmp_path / str(wall))
    assert found[0] == found[3] != found[1] == found[2] == found[4], "the clock is set back last"
    assert [short(result.made) for result in results[1:]] == [made, [], made, made]
    assert [changed(*pair) for pair in itertools.pairwise(results)] == [
        *(written, [], written, written)
    ]


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ('sinkhole = ["10.0.0.1"]', 'sinkhole = ["10.0.0.2"]', ["first.policy"]),
        ('"allowed.a.example"', '"|allowed.a.example^"', ["first.vlan"]),
        ('answer = "nxdomain"', 'answer = "nodata"', ["second.policy"]),
        ('mode = "audit"', 'mode = "enforce"', ["audited.policy"]),
        ('services = ["two"]', 'services = ["three"]', ["third.vlan"]),
        ('vlan = "third"', 'prefixes = ["10.2.7.0/24"]', ["second.vlan", "third.vlan"]),
        ('"here.b.example"', '"here.d.example"', ["second.policy"]),
        ('block = ["two", "three"]', 'block = ["three"]', ["third.policy", "third.vlan"]),
    ],
)
def test_what_decides_a_zone_changes_it(
    tmp_path: Path, old: str, new: str, written: list[str]
) -> None:
    found, changes = written_over(tmp_path, CONFIG.replace(old, new))
    assert changes == written
    assert set(written) <= set(found)


FEW = CONFIG.replace('block = ["two", "three"]', 'default = "block"\nallow = ["two"]')
"""On two VLANs, only the names of one service are open."""


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [
        (CONFIG, FEW, ["third.policy", "third.vlan"]),
        (
            FEW,
            FEW.replace('allow = ["two"]', 'allow = ["one"]'),
            ["second.policy", "third.policy", "third.vlan"],
        ),
        (FEW, FEW.replace('["two"]\nuntil', '["three"]\nuntil'), ["third.vlan"]),
        (
            FEW,
            FEW + '[[forward]]\nzones = ["agency"]\nservers = ["10.0.0.1"]\n',
            ["third.policy"],
        ),
        (
            FEW,
            FEW.replace('default = "block"', 'default = "block"\nmode = "audit"'),
            ["third.policy"],
        ),
    ],
)
def test_what_decides_the_zones_of_a_default_changes_them(
    tmp_path: Path, before: str, after: str, written: list[str]
) -> None:
    """A name that one policy allows also turns NXDOMAIN above it into NODATA elsewhere."""
    found, changes = written_over(tmp_path, after, before=before)
    assert changes == written
    assert set(written) <= set(found)


@pytest.mark.parametrize(
    ("service", "text", "written"),
    [
        ("one", LISTS["one"].replace("||b.", "|b."), ["first.policy"]),
        ("one", LISTS["one"].replace("@@||", "@@|"), ["first.policy"]),
        ("three", LISTS["three"] + "@@||c.d.example^\n", ["second.policy"]),
        ("canaries", LISTS["canaries"].replace("! Answer", "! Note"), ["first.policy"]),
        ("one.ip", "203.1.0.0/16\n", ["first.policy"]),
        ("national.filter", "10.10.34.34/31\n", []),
    ],
)
def test_what_a_list_says_changes_its_zones(
    tmp_path: Path, service: str, text: str, written: list[str]
) -> None:
    """Also an exception in a list that the policy does not block: NXDOMAIN above it is NODATA."""
    assert written_over(tmp_path, lists=LISTS | {service: text})[1] == written


def test_a_local_name_below_a_name_of_deny_changes_the_zone_of_the_vlan(tmp_path: Path) -> None:
    """No list has these names: NXDOMAIN above the local name becomes NODATA."""
    before = CONFIG.replace('answer = "nxdomain"', 'answer = "nxdomain"\ndeny = ["e.test"]')
    after = before.replace('name = "here.b.example"', 'name = "here.e.test"')
    made, changes = written_over(tmp_path, after, before=before)
    assert "second.vlan" in made
    assert "second.vlan" in changes


RULES = [
    f"{mark}{name}.example^"
    for mark in ("||", "|", "@@||", "@@|")
    for name in ("a", "x.a", "y.x.a", "b", "here.b", "c")
]
LIST = st.lists(st.sampled_from(RULES), max_size=5, unique=True)
SERVICES = st.lists(st.sampled_from(["one", "two", "three", "canaries"]), unique=True)
OWN = st.sampled_from(["[]", '["a.example"]', '["|x.a.example^"]', '["b.example"]'])


@st.composite
def policies(draw: st.DrawFn) -> str:
    """The text of two policies, each with a VLAN, and of an exemption."""
    text = "[publish]\nlisten = ['127.0.0.1:8053']\n" + OFFICE
    for name in ("first", "second"):
        answer = draw(st.sampled_from(["sinkhole", "nxdomain", "nodata"]))
        blocked, hourly = draw(SERVICES), draw(SERVICES)
        counted = [text for text in draw(SERVICES) if text not in blocked]
        text += f"[policies.{name}]\nblock = {blocked}\nanswer = '{answer}'\n"
        if hourly:
            kind = draw(st.sampled_from(["hours", "outside"]))
            of_hours = [text for text in counted if text not in hourly]
            text += f"during = [{{ {kind} = 'office', block = {hourly}, count = {of_hours} }}]\n"
        elif draw(st.booleans()):
            default = draw(st.sampled_from(["block", "count"]))
            text += f"default = '{default}'\nallow = {draw(SERVICES)}\n"
        text += f"deny = {draw(OWN)}\nmode = '{draw(st.sampled_from(['enforce', 'audit']))}'\n"
        text += f"[vlans.{name}]\nprefixes = ['10.{len(name)}.0.0/16']\npolicy = '{name}'\n"
    services = draw(SERVICES)
    if services:
        text += f"[[exemptions]]\nid = 'it'\nvlan = 'first'\nservices = {services}\n"
        text += draw(st.sampled_from(["", "hours = 'office'\n"]))
        text += "until = 2027-03-20T23:59:59+03:30\napprover = 'CIO'\nticket = 'IT-1'\n"
    if draw(st.booleans()):
        text += "[[forward]]\nzones = ['y.x.a.example']\nservers = ['10.0.0.1']\n"
    if draw(st.booleans()):
        text += "[[local]]\nname = 'here.b.example'\nrecords = ['A 10.0.0.30']\n"
    return text


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Of any of some small policies and lists."""
    lists = {}
    for name in ("one", "two", "three", "canaries"):
        answer = "! Answer: nxdomain\n" if name == "canaries" else ""
        rules = ["||always.example^", *draw(LIST)]
        lists[name] = f"! Category: messenger\n{answer}" + "\n".join(rules) + "\n"
    return snapshot_of(draw(policies()), lists)


MADE = st.tuples(snapshots(), st.sampled_from([BEFORE, BEGINS, AFTER]))


@settings(max_examples=40)
@given(of=st.lists(MADE, min_size=2, max_size=4))
def test_zones_are_as_if_made_anew_whatever_came_before(of: list[tuple[Snapshot, float]]) -> None:
    with TemporaryDirectory() as directory:
        kept, anew = Path(directory, "kept"), Path(directory, "anew")
        for snapshot, wall in of:
            write(kept, snapshot, wall)
            shutil.rmtree(anew, ignore_errors=True)
            write(anew, snapshot, wall)
            assert bodies(kept) == bodies(anew)


def test_a_damaged_file_is_made_again_though_its_time_is_as_before(tmp_path: Path) -> None:
    first = write(tmp_path, snapshot_of(CONFIG, LISTS))
    file = tmp_path / "second.policy.rpz.internal.zone"
    before, text = file.stat(), file.read_text()
    with file.open("r+") as opened:  # the same file, and as many octets
        opened.write(text.replace("c.example", "C.example"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = write(tmp_path, snapshot_of(CONFIG, LISTS))
    assert short(second.made) == changed(first, second) == ["second.policy"]
    expected = text.replace("1800000000", "1800000001")
    assert file.read_text().splitlines()[:-1] == expected.splitlines()[:-1]


def _remove(record: Path) -> None:
    record.unlink()


def _cut(record: Path) -> None:
    record.write_bytes(record.read_bytes()[:-50])


def _rewrite(record: Path) -> None:
    record.write_text('{"first.policy.rpz.internal": {"of": 1}}')


def _fill(record: Path) -> None:
    record.write_text("[1]")


@pytest.mark.parametrize("damage", [_remove, _cut, _rewrite, _fill])
def test_a_record_that_is_lost_makes_all_zones_and_changes_none(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    first = write(tmp_path, snapshot_of(CONFIG, LISTS))
    damage(tmp_path / "inputs.json")
    second = write(tmp_path, snapshot_of(CONFIG, LISTS))
    assert second.made == [*first.serials]
    assert changed(first, second) == []
    assert write(tmp_path, snapshot_of(CONFIG, LISTS)).made == []


def test_another_version_of_the_program_makes_all_zones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(tmp_path, snapshot_of(CONFIG, LISTS))
    monkeypatch.setattr(writer, "program", lambda: "another")
    second = write(tmp_path, snapshot_of(CONFIG, LISTS))
    assert second.made == [*first.serials]
    assert changed(first, second) == []


def test_the_hash_of_the_program_is_of_its_code() -> None:
    zone_record.program.cache_clear()  # another test may have loaded less of the program
    assert zone_record.program() == zone_record.program.__wrapped__()
    assert len(zone_record.program()) == 64


def test_the_rules_of_a_zone_are_made_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a part of a zone is in memory."""
    names = "".join(f"||name{number}.example^\n" for number in range(5000))
    of = snapshot_of(CONFIG, LISTS | {"two": "! Category: messenger\n" + names})
    publication = of.compiled.settings.publish
    assert publication is not None
    judged = []
    action = ZoneRules.action

    def noted(rules: ZoneRules, view: View, name: bytes) -> tuple[ZoneAction, bool]:
        judged.append(name)
        return action(rules, view, name)

    monkeypatch.setattr(ZoneRules, "action", noted)
    zones = contents(policy_zones(of.compiled, of.index(), BEFORE), publication)
    body = next(zone for zone in zones if zone.zone.startswith("second.policy")).body()
    assert len(next(body)) < 50_000
    assert 100 < len(judged) < 5_000
    assert sum(map(len, body)) > 100_000
    assert len(judged) > 10_000
