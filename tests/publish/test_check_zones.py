"""The script that tells whether zone files have all lines as they were written."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.publish import writer
from resolver.publish.check_zones import SCRIPT
from resolver.publish.seeds import seeds
from tests.policy.networks import CONFIG, LISTS, snapshot_of

pytestmark = pytest.mark.processes
WALL = 1.8e9
ZONE = "administrative.policy.rpz.internal"
FILE = f"{ZONE}.zone"
OTHER = "publicity.policy.rpz.internal.zone"
PUBLISH = '[publish]\nlisten = ["127.0.0.1:8053"]\n'
OF = snapshot_of(CONFIG + PUBLISH, LISTS)
MORE = snapshot_of(CONFIG + PUBLISH, LISTS | {"one": LISTS["one"] + "||new.example^\n"})
KNOT = (
    ";; Zone dump (Knot DNS 3.4.6)\n"
    "a.rpz.internal.     \t60\tSOA\tlocalhost. hostmaster.localhost. 1 60 30 14515200 60\n"
    "a.rpz.internal.     \t60\tNS\tlocalhost.\n"
    "b.example.a.rpz.internal.\t60\tA\t0.0.0.0\n"
    ";; Written 3 records\n"
    ";; Time 2026-11-30 07:49:48 UTC\n"
)
"""What `knotc zone-flush` of 3.4.6 wrote."""


def check(*named: Path) -> tuple[int, str]:
    """The exit code of the script, and what it says."""
    done = subprocess.run(
        ["sh", "-c", SCRIPT, "check-zones", *named], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    """A directory with the zones of a small network."""
    writer.write(OF.compiled, OF.index(), tmp_path, WALL)
    return tmp_path


def without(text: str) -> Callable[[str], str]:
    """What removes the lines that have a text."""
    return lambda zone: "".join(line for line in zone.splitlines(keepends=True) if text not in line)


DAMAGES: dict[str, Callable[[str], str]] = {
    "lines are lost": without("x.a.example"),
    "lines are lost and the serial is raised": lambda zone: without("x.a.example")(zone).replace(
        " 1800000000 ", " 1900000000 "
    ),
    "the serial is another": lambda zone: zone.replace(" 1800000000 ", " 1800000001 "),
    "the origin is another": lambda zone: zone.replace("$ORIGIN admin", "$ORIGIN Admin"),
    "records are garbage": lambda zone: zone.replace(" A ", " A garbage "),
    "a line is there twice": lambda zone: zone.replace("$TTL 60\n", "$TTL 60\n$TTL 60\n"),
    "the last line is lost": without("SHA-256"),
    "the end is lost": lambda zone: zone[:-5],
    "all is lost": lambda _: "",
    "it is garbage": lambda _: "\0garbage\n" * 100,
}


def test_what_was_written_is_whole(zones: Path) -> None:
    assert check(zones) == (0, "")
    assert check(*zones.glob("*.zone")) == (0, "")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_zone_is_named(zones: Path, damage: str) -> None:
    file = zones / FILE
    before = file.read_text()
    file.write_text(DAMAGES[damage](before))
    assert file.read_text() != before
    said = f"{zones}/{FILE} is missing or damaged\n"
    assert check(zones) == check(file) == (1, said)
    writer.write(OF.compiled, OF.index(), zones, WALL)
    assert check(zones) == (0, ""), "the next write has made it anew"


def test_the_whole_file_of_another_zone_is_named(zones: Path) -> None:
    """Of a policy that blocks less, for example."""
    shutil.copy(zones / OTHER, zones / FILE)
    said = f"{zones}/{FILE} has another zone: {OTHER.removesuffix('.zone')}\n"
    assert check(zones) == check(zones / FILE) == (1, said)
    writer.write(OF.compiled, OF.index(), zones, WALL)
    assert check(zones) == (0, ""), "the next write has made it anew"


def test_an_earlier_whole_file_is_named(zones: Path, tmp_path: Path) -> None:
    earlier = (zones / FILE).read_bytes()
    writer.write(MORE.compiled, MORE.index(), zones, WALL + 60)
    later = (zones / FILE).read_bytes()
    (zones / FILE).write_bytes(earlier)
    said = f"{zones}/{FILE} is an earlier one: found the serial 1800000000; expected 1800000060"
    assert check(zones) == check(zones / FILE) == (1, f"{said}, as in serials\n")
    (tmp_path / "darban-administrative.conf").write_text(f'    zonefile: "{zones / FILE}"\n')
    (tmp_path / "darban-zones.sh").write_text(SCRIPT)
    unbound = ["sh", str(tmp_path / "darban-zones.sh")]
    done = subprocess.run(unbound, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{said}, as in serials\n")
    writer.write(MORE.compiled, MORE.index(), zones, WALL + 120)
    assert check(zones) == (0, "")
    assert (zones / FILE).read_bytes() != later


def test_zones_that_are_written_at_this_moment_are_right(zones: Path) -> None:
    """The file of serials is replaced last."""
    before = (zones / "serials").read_bytes()
    writer.write(MORE.compiled, MORE.index(), zones, WALL + 60)
    (zones / "serials").write_bytes(before)
    assert check(zones) == (0, "")


def test_a_zone_that_is_missing_is_named(zones: Path) -> None:
    (zones / FILE).unlink()
    assert check(zones) == (1, f"{zones}/{FILE} is missing or damaged\n")


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("")])
def test_a_directory_without_serials_is_not_whole(
    zones: Path, damage: Callable[[Path], object]
) -> None:
    """Nothing says then which zones are there."""
    damage(zones / "serials")
    code, said = check(zones)
    assert (code, f"{zones}/serials" in said) == (1, True)


def test_seeds_are_whole(tmp_path: Path) -> None:
    publication = OF.compiled.settings.publish
    assert publication is not None
    for name, octets in seeds(OF, publication, WALL).items():
        for view in ("", "@administration"):
            (tmp_path / f"{name}{view}").write_bytes(octets)
            assert check(tmp_path / f"{name}{view}") == (0, "")


def test_a_zone_that_knot_has_written_has_all_its_records(tmp_path: Path) -> None:
    file = tmp_path / "a.rpz.internal.zone"
    file.write_text(KNOT)
    assert check(file) == (0, "")
    other = file.rename(tmp_path / "b.rpz.internal.zone")
    assert check(other) == (1, f"{other} has another zone: a.rpz.internal\n")
    for damaged in (without("b.example")(KNOT), KNOT.replace("3 records", "2 records"), KNOT[:-40]):
        file.write_text(damaged)
        assert check(file) == (1, f"{file} is missing or damaged\n")
