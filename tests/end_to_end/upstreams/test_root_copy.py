"""Unbound with a copy of the root zone, as deploy/unbound has it, while the link abroad is cut."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live import box as boxes
from tests.live.box import FORWARDING, RECURSING, SHIPPED, Box
from tests.live.internet import (
    ABROAD,
    FOREIGN,
    HOME,
    SERIAL,
    SIGNED,
    UNSIGNED,
    listening,
    write_root,
)
from tests.live.programs import needed
from tests.live.waiting import wait_for


@pytest.fixture
def box(ip_program: Path, dig_program: Path, tmp_path: Path) -> Iterator[Box]:
    with boxes.box(ip_program, dig_program, tmp_path) as made:
        yield made


@pytest.mark.parametrize("how", [RECURSING, FORWARDING])
def test_names_at_home_are_found_and_validated_in_a_cut(box: Box, how: str) -> None:
    with box.unbound(how):
        assert "ad" in box.ask(f"warm.{FOREIGN}").flags
        assert box.fetch(ABROAD).returncode == 0
    box.net.cut()
    with box.unbound(how):
        signed, unsigned = box.ask(f"cold.{SIGNED}"), box.ask(f"cold.{UNSIGNED}")
        assert (signed.status, unsigned.status) == ("NOERROR", "NOERROR")
        assert "ad" in signed.flags
        assert not box.answers(f"cold.{FOREIGN}")
        box.net.mend()
        wait_for(lambda: box.answers(f"after.{FOREIGN}"), "names abroad are found again", 30)
        assert "ad" in box.ask(f"after.{FOREIGN}").flags


@pytest.mark.parametrize("how", [RECURSING, FORWARDING])
def test_without_a_copy_no_name_is_found_in_a_cut(box: Box, how: str) -> None:
    box.net.cut()
    with box.unbound(how):
        assert not box.answers(f"cold.{SIGNED}")
        assert not box.answers(f"cold.{UNSIGNED}")


@pytest.mark.parametrize("how", [RECURSING, FORWARDING])
def test_signatures_that_have_ended_need_the_two_settings(box: Box, how: str) -> None:
    write_root(box.net.place, ended=2)
    box.copy.write_bytes((box.net.place / "root.zone").read_bytes())
    box.net.cut()
    with box.unbound(how):
        assert not box.answers(f"cold.{SIGNED}")
    lines = (SHIPPED / "darban-root.conf").read_text(encoding="utf-8").splitlines()
    allowed = [line.replace("# ", "", 1) for line in lines if "# val-sig-skew" in line]
    assert len(allowed) == 2
    with box.unbound(how, "\nserver:\n" + "\n".join(allowed) + "\n"):
        assert "ad" in box.ask(f"cold.{SIGNED}").flags
        assert box.answers(f"cold.{UNSIGNED}")


def test_only_a_zone_that_the_root_has_signed_replaces_the_copy(box: Box) -> None:
    zone = box.net.place / "root.zone"
    with box.unbound(RECURSING):
        done = box.fetch(ABROAD)
        assert done.stderr == f"root zone: serial {SERIAL} is in use\n"
        whole = box.copy.read_bytes()
        assert f"serial {SERIAL} is the newest" in box.fetch(ABROAD).stderr
        write_root(box.net.place, SERIAL - 1)
        with _served(box, zone) as other:
            done = box.fetch(other)
            assert done.returncode == 1
            assert f"gives serial {SERIAL - 1}, which is lower" in done.stderr
        write_root(box.net.place, SERIAL + 1)
        zone.write_text(zone.read_text().replace(HOME, "10.9.0.66"), encoding="ascii")
        with _served(box, zone) as other:
            done = box.fetch(other)
            assert done.returncode == 1
            assert "is not signed by the root, or is damaged" in done.stderr
        assert box.copy.read_bytes() == whole
        write_root(box.net.place, SERIAL + 2)
        with _served(box, zone) as other:
            done = box.fetch("10.9.0.77", other)
            assert done.returncode == 0, done.stderr
            assert "10.9.0.77 gives no zone" in done.stderr
    assert f" {SERIAL + 2} " in box.copy.read_text(encoding="ascii").replace("\t", " ")
    assert [path.name for path in box.place.glob("root*")] == ["root.zone"]


def test_a_source_that_gives_too_much_is_left_and_the_next_one_asked(box: Box) -> None:
    zone = box.net.place / "root.zone"
    with box.unbound(RECURSING):
        assert box.fetch(ABROAD).returncode == 0
        whole = box.copy.read_bytes()
        more = (f"x{number}. 60 IN A 192.0.2.1\n" for number in range(600_000))
        zone.write_text(zone.read_text() + "".join(more), encoding="ascii")
        with _served(box, zone) as other:
            done = box.fetch(other, ABROAD)
        assert f"root zone: {other} gives no zone\n" in done.stderr
        assert done.stderr.endswith(f"root zone: serial {SERIAL} is the newest\n")
        assert box.copy.read_bytes() == whole


@contextmanager
def _served(box: Box, zone: Path) -> Iterator[str]:
    """A server of the root zone as it is in a file now; its address."""
    address = "10.9.0.9"
    box.net.made.give(box.net.box, f"{address}/32")
    place = box.place / "other"
    place.mkdir(exist_ok=True)
    config = place / "nsd.conf"
    config.write_text(
        f'server:\n  ip-address: {address}\n  username: ""\n  chroot: ""\n  pidfile: ""\n'
        f'  zonesdir: "{place}"\n  zonelistfile: "{place}/list"\n  xfrdfile: "{place}/state"\n'
        f'  xfrdir: "{place}"\n  cookie-secret-file: "{place}/cookies"\n'
        "remote-control:\n  control-enable: no\n"
        f'zone:\n  name: "."\n  zonefile: "{zone}"\n  provide-xfr: 0.0.0.0/0 NOKEY\n',
        encoding="ascii",
    )
    with listening([*box.net.on_box(), needed("nsd"), "-d", "-c", config], place / "log", 53):
        yield address
    box.net.made.take(box.net.box, f"{address}/32")
