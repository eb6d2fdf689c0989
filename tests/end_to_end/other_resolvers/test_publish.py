"""Zones for other resolvers: written by Darban, served by Knot, enforced by BIND."""

import datetime as dt
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.bind import Bind, bind
from tests.live.clients import ask
from tests.live.commands import GOOD, darban
from tests.live.configs import edited
from tests.live.knot import new_key, secret
from tests.live.nsd import ANY_V4
from tests.live.ports import free_port
from tests.live.prober import prober
from tests.live.publishing import (
    ADMINISTRATION,
    BLOCKS,
    OVERRIDES,
    PUBLICITY,
    Site,
    enforcing,
    publishing,
    serving,
)
from tests.live.reloading import restored
from tests.live.server import Server
from tests.live.small_disk import small_disk
from tests.live.waiting import wait_for

pytestmark = pytest.mark.real_clock

Make = Callable[[str], Server]


@pytest.fixture(scope="module")
def lasting_site(
    make_lasting: Make, upstream: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    server = publishing(make_lasting, upstream).start()
    with serving(server, tmp_path_factory.mktemp("knot")) as site:
        yield site


@pytest.fixture
def site(lasting_site: Site) -> Iterator[Site]:
    """The server and Knot, which is told of new zones as the path unit tells it.

    Knot serves the zones of the first config.
    """
    site = lasting_site
    wait_for(lambda: site.records() == site.first and site.is_written(), "the zones are written")
    site.knot.control("zone-reload")
    wait_for(site.is_served, "Knot serves the zones")
    with restored(site.server):
        yield site


@pytest.fixture(scope="module")
def lasting_secondary(
    lasting_site: Site, upstream: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bind]:
    directory = tmp_path_factory.mktemp("bind")
    with enforcing(lasting_site, upstream, directory) as running:
        yield running


@pytest.fixture
def secondary(site: Site, lasting_secondary: Bind) -> Bind:
    """BIND, which enforces the policy of administration alone."""
    wait_for(lambda: site.address(ADMINISTRATION) == "0.0.0.0", "BIND enforces", 30)
    return lasting_secondary


def _transferred(bind: Bind, zone: str) -> list[tuple[str, int]]:
    """The transfers of a zone in the log of BIND: AXFR or IXFR, and octets."""
    status = re.compile(
        rf"transfer of '{re.escape(zone)}/IN/administration'.*?"
        r"Transfer completed: .*? ([0-9]+) bytes"
    )
    return [("", int(octets)) for octets in status.findall(bind.log)]


def test_a_secondary_enforces_the_policy_on_one_vlan(site: Site, secondary: Bind) -> None:
    assert site.address(ADMINISTRATION) == "0.0.0.0"
    assert site.address(PUBLICITY) == ANY_V4
    assert site.address(ADMINISTRATION, "alias.scene") == "0.0.0.0"
    assert site.address(ADMINISTRATION, "www.agency.example") == ANY_V4
    assert site.address(ADMINISTRATION, "address.scene") == "0.0.0.0"
    assert site.address(PUBLICITY, "address.scene") == "149.154.167.99"
    wait_for(site.is_served, "the status says that Knot serves the zones")
    assert secondary.process.poll() is None


def test_a_prober_sees_whether_a_resolver_enforces(
    site: Site, secondary: Bind, upstream: str, tmp_path: Path
) -> None:
    assert secondary.process.poll() is None
    enforcing, nothing = f"127.0.0.1:{site.secondary}", f"127.0.0.1:{free_port()}"
    with prober(tmp_path, {"10.10.9.9": ADMINISTRATION, "10.20.9.9": PUBLICITY}) as running:
        good = {
            (name, module)
            for name, server in (("BIND", enforcing), ("NSD", upstream), ("none", nothing))
            for module in ("administration_blocks", "publicity_passes")
            if running.probe(server, module)
        }
    both = {("BIND", "administration_blocks"), ("BIND", "publicity_passes")}
    assert good == {*both, ("NSD", "publicity_passes")}


def test_an_exemption_reaches_the_secondary(
    site: Site, secondary: Bind, figure: Callable[[str], None]
) -> None:
    before, blocks = (len(_transferred(secondary, zone)) for zone in (OVERRIDES, BLOCKS))
    granted = time.monotonic()
    done = darban(
        *("exempt", "administration", "telegram", "--for", "1h"),
        *("--approver", "Head of PR", "--ticket", "PR-2031"),
        at=site.server.directory,
    )
    assert done.code == GOOD, done.out + done.err
    zones = site.server.directory / ".darban/zones"
    wait_for(lambda: "CNAME rpz" in (zones / f"{OVERRIDES}.zone").read_text(), "it is written")
    written = time.monotonic()
    site.knot.control("zone-reload")
    wait_for(lambda: site.address(ADMINISTRATION) == ANY_V4, "the secondary has it")
    reached = time.monotonic()
    assert site.address(ADMINISTRATION, "web.whatsapp.com") == "0.0.0.0"
    assert site.address(ADMINISTRATION, "address.scene") == "149.154.167.99"
    transfers = _transferred(secondary, OVERRIDES)[before:]
    assert len(transfers) == 1
    assert len(_transferred(secondary, BLOCKS)) == blocks >= 1, "the block set has not changed"
    figure(
        f"an exemption: written {written - granted:.1f} s after the command began, "
        f"in BIND {reached - written:.1f} s later, {transfers[0][1]} octets"
    )


def _blocked(site: Site, *names: str) -> list[str]:
    """Of some names, those that the secondary blocks."""
    return [name for name in names if site.address(ADMINISTRATION, name) == "0.0.0.0"]


def test_a_default_reaches_the_secondary_and_ends(site: Site, secondary: Bind) -> None:
    """Where an allowed name leads passes, also from a cache, and is blocked as a question."""
    allowed = ["harmless.scene", "deb.debian.org", "harmless.scene"]
    others = ["www.agency.example", "other.example", "alias.scene", "web.telegram.org"]
    opened = 'allow = ["harmless.scene", "eitaa.com"]'
    closed = 'default = "block"\nallow = ["harmless.scene", "eitaa.com", "@updates"]'
    for old, new, blocked in (("allow = []", closed, others), (closed, opened, others[2:])):
        edited(site.server.config, old, new)
        before = site.records()
        assert darban("reload", at=site.server.directory).code == GOOD
        wait_for(
            lambda before=before: site.records() != before and site.is_written(),
            "both zones are written",
        )
        site.knot.control("zone-reload")
        wait_for(
            lambda now=blocked: _blocked(site, *allowed, *others) == now, "BIND has both zones"
        )
        for name in [*allowed, *others, *allowed]:
            expected = "0.0.0.0" if name in blocked else ANY_V4
            assert site.address(ADMINISTRATION, name) == expected, name
            assert site.own_address(ADMINISTRATION, name) == expected, name
            assert site.address(PUBLICITY, name) == ANY_V4
        said = darban("check", at=site.server.directory).out
        assert ("answers-past-default-in-zones" in said) is (new == closed)
    assert secondary.process.poll() is None


def test_a_small_change_of_a_list_is_a_small_transfer(
    site: Site, secondary: Bind, figure: Callable[[str], None]
) -> None:
    (_, whole), *_ = known = _transferred(secondary, BLOCKS)
    (site.server.directory / "more").mkdir()
    more = "! Category: messenger\n" + "".join(f"||new{n}.example^\n" for n in range(3))
    (site.server.directory / "more" / "newest.txt").write_text(more)
    edited(site.server.config, 'directories = ["', 'directories = ["more", "')
    assert darban("reload", at=site.server.directory).code == GOOD
    zones = site.server.directory / ".darban/zones"
    wait_for(lambda: "new2" in (zones / f"{BLOCKS}.zone").read_text(), "it is written")
    site.knot.control("zone-reload")
    wait_for(lambda: site.address(ADMINISTRATION, "www.new1.example") == "0.0.0.0", "BIND has it")
    [(_, octets)] = _transferred(secondary, BLOCKS)[len(known) :]
    assert octets * 10 < whole
    figure(f"3 rules more: {octets} octets by IXFR; the whole zone takes {whole}")


def test_without_the_right_key_nothing_is_transferred(site: Site) -> None:
    wrong = secret(new_key("tehran"))
    for key in ([], ["-y", f"hmac-sha256:tehran:{wrong}"], ["-y", f"hmac-sha256:qom:{site.key}"]):
        assert "CNAME" not in _transfer(site, *key)
    assert "CNAME" in _transfer(site, "-y", f"hmac-sha256:tehran:{site.key}")


def test_a_secondary_with_a_wrong_key_says_so(site: Site, upstream: str, tmp_path: Path) -> None:
    port = free_port()
    ports = (port, int(upstream.rpartition(":")[2]), site.port)
    with bind(tmp_path, ports, [OVERRIDES, BLOCKS], ("tehran", secret(new_key("tehran")))) as wrong:
        wait_for(lambda: "tsig indicates error" in wrong.log, "BIND says why")
        answer = ask(port, "web.telegram.org", client=ADMINISTRATION)
    assert answer is not None
    assert str(answer.rr[-1].rdata) == ANY_V4, "BIND has no policy"


def _transfer(site: Site, *key: str) -> str:
    command = ["kdig", "@127.0.0.1", "-p", str(site.port), *key, BLOCKS, "AXFR"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_the_end_of_an_exemption_changes_the_zone(site: Site) -> None:
    server = site.server
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=8)
    text = server.config.read_text() + (
        '[[exemptions]]\nid = "fair"\nvlan = "administration"\nservices = ["telegram"]\n'
        f'until = {until.isoformat()}\napprover = "Head of PR"\nticket = "PR-1"\n'
    )
    server.config.write_text(text)
    assert darban("reload", at=server.directory).code == GOOD
    zone = server.directory / ".darban/zones" / f"{OVERRIDES}.zone"
    wait_for(lambda: zone.exists() and "CNAME rpz-passthru." in zone.read_text(), "it is exempted")
    wait_for(lambda: "CNAME" not in zone.read_text(), "the exemption has ended", 30)
    assert dt.datetime.now(dt.UTC) > until


def test_a_reload_writes_files_again_that_somebody_has_replaced(site: Site, tmp_path: Path) -> None:
    """Unbound and the Recursor read the files, whatever their serials are."""
    zones, backup = site.server.directory / ".darban/zones", tmp_path / "backup"
    shutil.copytree(zones, backup)
    edited(site.server.config, "deny = []", 'deny = ["denied.example"]')
    assert darban("reload", at=site.server.directory).code == GOOD
    text = zones / f"{OVERRIDES}.zone"
    wait_for(lambda: "denied.example" in text.read_text(), "the zone is written")
    denying = site.records()
    shutil.copytree(backup, zones, dirs_exist_ok=True)
    assert site.records() == site.first, "the older zones are restored"
    assert darban("reload", at=site.server.directory).code == GOOD
    wait_for(lambda: site.records() == denying, "the zones are written again")
    text.unlink()
    assert darban("reload", at=site.server.directory).code == GOOD
    wait_for(lambda: site.records() == denying, "the zone that was removed is written again")
    site.knot.control("zone-reload")
    wait_for(site.is_served, "Knot serves the zones")


def test_an_exemption_that_zones_cannot_express_is_reported(site: Site) -> None:
    server, logged = site.server, len(site.server.err)
    done = darban(
        *("exempt", "127.0.10.7", "telegram", "--for", "1h"),
        *("--approver", "Head of PR", "--ticket", "PR-1"),
        at=server.directory,
    )
    assert done.code == GOOD, done.err
    assert "not in the zones: exemption pr-1" in done.out
    assert "not in the zones: exemption pr-1" in darban("check", at=server.directory).out
    wait_for(lambda: "exemption pr-1: the zones" in server.err[logged:], "it is logged")
    assert "not in the zones: exemption pr-1" in darban("status", at=server.directory).out.replace(
        "\n", " "
    )
    assert server.scrape().value("darban_faults", kind="zones_leave_out") == 1


def test_knot_that_does_not_take_the_new_zones_is_reported(site: Site) -> None:
    """It ends Knot: it is the last test that needs it."""
    wait_for(site.is_served, "Knot serves the zones")
    scrape = site.server.scrape()
    assert scrape.value("darban_faults", kind="zones_not_written") == 0
    assert scrape.value("darban_zone_serial", zone=BLOCKS) == scrape.value(
        "darban_zone_served_serial", zone=BLOCKS
    )
    edited(site.server.config, "deny = []", 'deny = ["denied.example"]')
    assert darban("reload", at=site.server.directory).code == GOOD
    wait_for(lambda: not site.is_served(), "the status says that Knot serves an older zone")
    shown = darban("status", at=site.server.directory).out
    assert "1 of 5 zones are not served by 127.0.0.1:" in shown
    site.knot.process.terminate()
    scrape = wait_for(
        lambda: (
            None
            if (now := site.server.scrape()).value("darban_zone_served_serial", zone=BLOCKS)
            else now
        ),
        "the metric says that nobody answers",
        20,
    )
    assert scrape.value("darban_zone_serial", zone=BLOCKS) > 0


def test_a_disk_that_is_full_disturbs_nobody(make: Make, upstream: str, zones_disk: Path) -> None:
    server = publishing(make, upstream)
    server.expect_error("the zones of .publish. cannot be written")
    edited(server.config, "[publish]\n", f'[publish]\ndirectory = "{zones_disk}"\n')
    server.start()
    wait_for(lambda: "No space left on device" in server.err, "the failure is logged")
    assert server.scrape().value("darban_faults", kind="zones_not_written") == 1
    shown = darban("status", at=server.directory).out
    assert "the zones cannot be written: " in shown
    answer = ask(server.port, "web.telegram.org", client=ADMINISTRATION)
    assert answer is not None
    assert str(answer.rr[0].rdata) == "0.0.0.0"

    subprocess.run(["mount", "-o", "remount,size=4m", zones_disk], check=True)
    assert darban("reload", at=server.directory).code == GOOD
    wait_for(
        lambda: not server.scrape().value("darban_faults", kind="zones_not_written"),
        "the zones are written",
    )
    assert sorted(path.suffix for path in zones_disk.iterdir()) == ["", ".json", *[".zone"] * 5]


@pytest.fixture
def zones_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that is too small for the zones."""
    with small_disk(tmp_path / "disk", "64k") as place:
        yield place
