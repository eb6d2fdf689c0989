"""Zone files: their content, their serials, and what happens where they cannot be written."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.policy.compiled import Policy
from resolver.policy.facets import Facet, deciding
from resolver.policy.index import Index
from resolver.publish import writer
from resolver.publish.left_out import left_out
from resolver.publish.zone_text import next_serial
from resolver.snapshot.snapshot import Snapshot
from tests.policy.networks import CONFIG, LISTS, snapshot_of
from tests.policy.other_values import OTHER
from tests.publish.publishing_config import PUBLISH

WALL = 1.8e9
BLOCKS = "administrative.policy.rpz.internal"
OVERRIDES = "administration.vlan.rpz.internal"


def snapshot(config: str = CONFIG, lists: dict[str, str] = LISTS) -> Snapshot:
    return snapshot_of(config + PUBLISH, lists)


def write(directory: Path, of: Snapshot | None = None, wall: float = WALL) -> writer.WriteResult:
    of = of or snapshot()
    return writer.write(of.compiled, Index(of.trie, of.rules), directory, wall)


def text(directory: Path, zone: str) -> str:
    """The zone without its last line, the checksum."""
    file = (directory / f"{zone}.zone").read_text()
    return "".join(file.splitlines(keepends=True)[:-1])


def test_the_files_of_a_small_network(tmp_path: Path) -> None:
    write(tmp_path)
    assert text(tmp_path, OVERRIDES) == (
        "; Darban writes this file anew when the policy changes. Do not edit it.\n"
        "$ORIGIN administration.vlan.rpz.internal.\n"
        "$TTL 60\n"
        "@ SOA localhost. hostmaster.localhost. 1800000000 60 30 14515200 60\n"
        "@ NS localhost.\n"
        "status.a.example CNAME rpz-passthru.\n"
        "*.status.a.example CNAME rpz-passthru.\n"
        "b.example A 0.0.0.0\n"
        "b.example AAAA ::\n"
        "*.b.example A 0.0.0.0\n"
        "*.b.example AAAA ::\n"
        "c.example A 0.0.0.0\n"
        "c.example AAAA ::\n"
    )
    [*lines, last] = (tmp_path / f"{OVERRIDES}.zone").read_bytes().splitlines(keepends=True)
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    assert last.decode() == f"; 13 lines above, SHA-256 {digest}\n"
    assert "*.y.a.example A 0.0.0.0\n" not in text(tmp_path, BLOCKS)
    assert "*.x.a.example CNAME rpz-passthru.\n" in text(tmp_path, BLOCKS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{OVERRIDES}.zone",
        f"{BLOCKS}.zone",
        "inputs.json",
        "publicity.policy.rpz.internal.zone",
        "publicity.vlan.rpz.internal.zone",
        "serials",
    ]


@pytest.mark.parametrize("field", deciding(Policy, Facet.REPLY))
def test_what_decides_a_blocked_reply_changes_the_zones(tmp_path: Path, field: str) -> None:
    write(tmp_path, of := snapshot())
    before = text(tmp_path, BLOCKS)
    policies = tuple(replace(policy, **{field: OTHER[field]}) for policy in of.compiled.policies)
    write(tmp_path, replace(of, compiled=replace(of.compiled, policies=policies)))
    assert text(tmp_path, BLOCKS) != before


def test_what_does_not_change_keeps_its_serial(tmp_path: Path) -> None:
    first = write(tmp_path)
    before = (tmp_path / "serials").stat()
    again = write(tmp_path, wall=WALL + 60)
    assert again.serials == first.serials
    now = (tmp_path / "serials").stat()
    assert (now.st_ino, now.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_zone_of_an_earlier_release_is_written_again(tmp_path: Path) -> None:
    """Its content is the same, but it expires sooner."""
    first = write(tmp_path).serials[BLOCKS]
    now = text(tmp_path, BLOCKS)
    (tmp_path / f"{BLOCKS}.zone").write_text(now.replace(" 14515200 ", " 2592000 "))
    assert write(tmp_path).serials[BLOCKS] == first + 1
    assert text(tmp_path, BLOCKS) == now.replace(str(first), str(first + 1))


def test_a_rollback_raises_the_serial(tmp_path: Path) -> None:
    """The earlier policy again, by a clock that was set back: the serial rises all the same."""
    more = snapshot(lists=LISTS | {"one": LISTS["one"] + "||new.example^\n"})
    serials = [write(tmp_path).serials[BLOCKS]]
    for item, wall in ((more, WALL + 60), (None, WALL + 120), (more, WALL - 1000), (None, 1.0)):
        serials.append(write(tmp_path, item, wall).serials[BLOCKS])
    assert [serial - 1_800_000_000 for serial in serials] == [0, 60, 120, 121, 122]


def test_a_zone_file_that_was_restored_gets_a_later_serial(tmp_path: Path) -> None:
    """Also where its content is right: Knot and the secondaries have a later serial already."""
    write(tmp_path)
    backup = (tmp_path / f"{BLOCKS}.zone").read_bytes()
    write(tmp_path, snapshot(lists=LISTS | {"one": LISTS["one"] + "||new.example^\n"}), WALL + 60)
    assert write(tmp_path, wall=WALL + 120).serials[BLOCKS] == WALL + 120
    (tmp_path / f"{BLOCKS}.zone").write_bytes(backup)
    assert write(tmp_path, wall=WALL + 180).serials[BLOCKS] == WALL + 180


@pytest.mark.parametrize("damage", [b"", b"\0" * 200, b"@ NS localhost.\n"])
def test_a_damaged_zone_file_is_written_again_with_a_higher_serial(
    tmp_path: Path, damage: bytes
) -> None:
    first = write(tmp_path).serials[BLOCKS]
    before = text(tmp_path, BLOCKS)
    (tmp_path / f"{BLOCKS}.zone").write_bytes(damage)
    assert write(tmp_path, wall=0.0).serials[BLOCKS] == first + 1
    assert text(tmp_path, BLOCKS) == before.replace("1800000000", "1800000001")


def test_the_list_of_serials_is_lost(tmp_path: Path) -> None:
    first = write(tmp_path)
    (tmp_path / "serials").write_bytes(b"\xff damaged")
    assert write(tmp_path, wall=0.0).serials == first.serials
    assert f"{BLOCKS} {first.serials[BLOCKS]}\n" in (tmp_path / "serials").read_text()


def test_what_a_killed_writer_has_left_is_removed(tmp_path: Path) -> None:
    write(tmp_path)
    aside = tmp_path / f".{BLOCKS}.zone-0123456789abcdef"
    aside.write_bytes(b"half")
    write(tmp_path)
    assert not aside.exists()


def test_serials_end_and_begin_anew() -> None:
    assert next_serial(0xFFFFFFFF, 0.0) == 1
    assert next_serial(5, 2.9) == 6


def test_what_zones_cannot_say_is_reported(tmp_path: Path) -> None:
    changed = CONFIG.replace('allow = ["status', 'answer = "refused"\nallow = ["status')
    result = write(tmp_path, snapshot(changed))
    assert [line.partition(":")[0] for line in result.left_out] == ["exemption pr"]
    assert "c.example CNAME *.\n" in text(tmp_path, OVERRIDES)


LONG = ".".join(["x" * 60] * 3 + ["y" * 40, "example"])


def test_a_name_that_is_too_long_is_left_out_and_told(tmp_path: Path) -> None:
    one = f"! Category: messenger\n||{LONG}^\n||beside.{LONG[122:]}^\n"
    of = snapshot(CONFIG.replace('deny = ["b.example"', f'deny = ["b.example", "{LONG}"'), LISTS)
    also = snapshot(lists=LISTS | {"one": one})
    for item, zone in ((of, OVERRIDES), (also, BLOCKS)):
        said = [line for line in write(tmp_path, item).left_out if "too long" in line]
        assert said == [f"{LONG}: too long a name for some zones"]
        assert said == left_out(item.compiled, item.index(), WALL)[-1:]
        assert LONG not in text(tmp_path, zone)
    assert f"\nbeside.{LONG[122:]} A 0.0.0.0\n" in text(tmp_path, BLOCKS)
