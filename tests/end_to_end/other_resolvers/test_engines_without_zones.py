"""Engines that start without their zones or with damaged ones, while the primary is away."""

import functools
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, darban
from tests.live.configs import edited
from tests.live.reloading import restored
from tests.live.waiting import wait_for
from tests.programs.parity.comparison import SECONDARIES, site
from tests.programs.parity.engines import Secondary, Site

pytestmark = pytest.mark.real_clock

CLIENT = "127.0.10.5"
BANNED, PASSED = "web.alpha.chat", "192.0.2.80"
LATER = "later.chat"
LONG_AGO = 200 * 86400
SEEDED = ("BIND", "Recursor")
_PLACE = "at"
"""Short: the Recursor has a Unix socket there, whose path is of 107 octets at most."""


def _missing(file: Path) -> None:
    file.unlink()


def _cut(file: Path) -> None:
    """Within a record."""
    lines = file.read_bytes().splitlines(keepends=True)
    records = b"".join(line for line in lines if not line.startswith(b";"))
    file.write_bytes(records[: records.rindex(b" ") + 2])


def _cut_at_the_end_of_a_line(file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(line for line in lines if b"chat" not in line))


def _damaged_inside(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b" A ", b" A garbage "))


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _garbage(file: Path) -> None:
    file.write_bytes(b"\0garbage\n" * 100)


def _expired(file: Path) -> None:
    then = time.time() - LONG_AGO
    os.utime(file, (then, then))


OPENING = (_missing, _cut, _empty, _garbage)
DAMAGES = (*OPENING, _expired)
INSIDE = (_cut_at_the_end_of_a_line, _damaged_inside)


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def transferred(of: Site, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Secondary]:
    """Makes an engine that has transferred all zones, and has ended."""

    @functools.cache
    def make(name: str) -> Secondary:
        engine = SECONDARIES[name](of, tmp_path_factory.mktemp(name) / _PLACE)
        with engine.run():
            engine.take()
            wait_for(engine.has_zones, "it has all zones", 30)
        return engine

    return make


Damage = Callable[[str, Secondary, Callable[[Path], None]], None]


@pytest.fixture
def damaged(transferred: Callable[[str], Secondary]) -> Damage:
    """Gives an engine the files of all zones, as if it had transferred them, and damages them."""

    def give(name: str, engine: Secondary, damage: Callable[[Path], None]) -> None:
        before = transferred(name)
        for file in before.zone_files():
            own = engine.directory / file.relative_to(before.directory)
            shutil.copy2(file, own)
            damage(own)

    return give


def _answer(engine: Secondary, name: str = BANNED) -> str:
    """The address that the engine gives, if any."""
    answer = ask(engine.ports["administration"], name, client=CLIENT)
    return str(answer.rr[-1].rdata) if answer is not None and answer.rr else ""


@contextmanager
def _asked_meanwhile(engine: Secondary) -> Iterator[set[str]]:
    """What it gives to a client that asks without a pause, at the end."""
    found: set[str] = set()
    end = threading.Event()

    def keep_asking() -> None:
        while not end.is_set():
            found.add(_answer(engine))

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        yield found
    finally:
        end.set()
        asking.join()


def _is_told(directory: Path) -> int:
    """The exit code of the script that runs before each start of Unbound."""
    command = ("sh", directory / "darban-zones.sh")
    return subprocess.run(command, check=False, capture_output=True).returncode


@pytest.mark.parametrize("damage", [None, *DAMAGES, _damaged_inside])
@pytest.mark.parametrize("name", SEEDED)
def test_no_banned_name_passes_though_the_primary_is_away(
    name: str,
    damage: Callable[[Path], None] | None,
    of: Site,
    tmp_path: Path,
    damaged: Damage,
) -> None:
    """It has never been there, where nothing is damaged."""
    engine = SECONDARIES[name](of, tmp_path / _PLACE)
    if damage:
        damaged(name, engine, damage)
    engine.cut_off()
    with _asked_meanwhile(engine) as found, engine.run():
        assert _answer(engine) == "0.0.0.0"
        assert _answer(engine, LATER) == PASSED
    assert PASSED not in found


@pytest.mark.parametrize("name", SEEDED)
def test_a_new_rule_arrives_when_the_primary_is_back_and_stays(
    name: str, of: Site, tmp_path: Path
) -> None:
    engine = SECONDARIES[name](of, tmp_path / _PLACE)
    with restored(of.server):
        serials = of.zones / "serials"
        before = serials.read_bytes()
        edited(of.server.config, "deny = []", f'deny = ["{LATER}"]')
        assert darban("reload", at=of.server.directory).code == GOOD
        wait_for(lambda: serials.read_bytes() != before, "the zones are written")
        of.knot.process.send_signal(signal.SIGSTOP)
        try:
            with engine.run():
                assert _answer(engine, LATER) == PASSED, "it has the seed"
                of.knot.process.send_signal(signal.SIGCONT)
                engine.take()
                wait_for(lambda: _answer(engine, LATER) == "0.0.0.0", "the rule is there", 40)
                assert _answer(engine) == "0.0.0.0"
        finally:
            of.knot.process.send_signal(signal.SIGCONT)
    engine.cut_off()
    with engine.run():
        assert _answer(engine, LATER) == "0.0.0.0", "a seed is in the place of what was transferred"


@pytest.mark.parametrize("name", SEEDED)
def test_an_engine_does_not_start_with_a_seed_that_has_lost_lines(
    name: str, of: Site, tmp_path: Path
) -> None:
    """Nor without one: all names would pass."""
    engine = SECONDARIES[name](of, tmp_path / _PLACE)
    engine.cut_off()
    for damage in (_cut_at_the_end_of_a_line, _missing):
        for seed in (engine.directory / "darban-seeds").iterdir():
            damage(seed)
        assert not _starts(engine)


def _starts(engine: Secondary) -> bool:
    try:
        with engine.run():
            return True
    except (AssertionError, subprocess.CalledProcessError):
        return False


def test_bind_takes_the_seed_where_its_copy_of_it_has_lost_lines(of: Site, tmp_path: Path) -> None:
    """It has transferred nothing since."""
    engine = SECONDARIES["BIND"](of, tmp_path / _PLACE)
    engine.cut_off()
    for _ in range(2):
        with engine.run():
            assert _answer(engine) == "0.0.0.0"
        for file in engine.zone_files():
            _cut_at_the_end_of_a_line(file)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("BIND", _cut_at_the_end_of_a_line),
        ("Recursor", _cut_at_the_end_of_a_line),
        *(("Unbound", item) for item in (*OPENING, *INSIDE)),
    ],
)
def test_what_opens_all_the_same(
    name: str, damage: Callable[[Path], None], of: Site, tmp_path: Path, damaged: Damage
) -> None:
    """docs/explanation/other-resolvers.md names each of these."""
    engine = SECONDARIES[name](of, tmp_path / _PLACE)
    if name == "Unbound":  # it transfers nothing
        engine.cut_off()
        assert _is_told(engine.directory) == 0
        for file in engine.zone_files():
            damage(file)
        assert _is_told(engine.directory) == 1
    else:
        damaged(name, engine, damage)
        engine.cut_off()
    with engine.run():
        assert _answer(engine) == PASSED
