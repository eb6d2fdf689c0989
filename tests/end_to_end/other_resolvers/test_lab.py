"""deploy/lab as it is shipped: one policy at the primary and at both sites."""

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.live.lab import Lab, lab
from tests.live.nsd import ANY_V4
from tests.live.waiting import wait_for as wait_a_little

pytestmark = pytest.mark.real_clock

BLOCKED = "0.0.0.0"
CENTRE, SITE_A, SITE_B = "10.0.0.53", "10.1.0.53", "10.2.0.53"
NODES = {"10.1.0.61", "10.1.0.62"}
"""Of site A, behind dnsdist."""
ADMINISTRATION = {CENTRE: "10.10.1.5", SITE_A: "10.10.1.5", SITE_B: "10.10.2.5"}
PUBLICITY = {CENTRE: "10.20.1.5", SITE_A: "10.20.1.5", SITE_B: "10.20.2.5"}
EXEMPTION = ("administration", "telegram", "--for", "1h", "--approver", "CIO", "--ticket", "IT-1")


@pytest.fixture(scope="module")
def running(ip_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    assert ip_program, "the lab is made of namespaces"
    with lab(tmp_path_factory.mktemp("lab")) as made:
        yield made


wait_for = partial(wait_a_little, pause=0.5)  # each try starts programs


def _exempt(running: Lab, *words: str) -> None:
    running.within("noc", "darban", "exempt", "--config", "/root/policy/config.toml", *words)
    running.within("noc", "git", "-C", "/root/policy", "commit", "-S", "-aqm", "exemption")
    running.within("noc", "git", "-C", "/root/policy", "push", "--quiet")


def _up(running: Lab) -> set[str]:
    """The servers that Prometheus reaches."""
    return set(re.findall(r'instance="([0-9.]+):', running.query('up{job="darban"} == 1')))


@pytest.mark.parametrize("server", [CENTRE, SITE_A, SITE_B])
def test_each_vlan_has_its_policy(running: Lab, server: str) -> None:
    for name in ("web.telegram.org", "new.web.telegram.org", "alias.lab"):
        for _ in ("cold", "warm"):
            assert running.address(PUBLICITY[server], server, name) == ANY_V4
            assert running.address(ADMINISTRATION[server], server, name) == BLOCKED
    assert running.address(ADMINISTRATION[server], server, "www.agency.example") == ANY_V4


def test_prometheus_sees_all_servers_with_one_policy(running: Lab) -> None:
    wait_for(lambda: _up(running) == {CENTRE, *NODES}, "all are up")
    policies = re.findall(r'hash="(\w+)"', running.query("darban_policy_info"))
    assert (len(policies), len(set(policies))) == (3, 1)
    served = "darban_zone_serial == darban_zone_served_serial"
    wait_for(lambda: running.query(served).count("zone=") == 4, "Knot serves the zones")
    others = 'ALERTS{kind!="clock_wrong",alertname!="DarbanZonesDiffer"}'
    # An upstream that failed on a busy machine counts as failing for up to five minutes.
    wait_for(lambda: not running.query(others).strip(), "no alert but of this machine's clock", 400)


def test_an_exemption_arrives_at_both_sites(running: Lab, figure: Callable[[str], None]) -> None:
    granted = time.monotonic()
    _exempt(running, *EXEMPTION)
    arrived: dict[str, float] = {}
    servers = {CENTRE, *NODES, SITE_B}

    def has_arrived() -> bool:
        for server in servers - set(arrived):
            if running.address("10.10.1.5", server) == ANY_V4:
                arrived[server] = time.monotonic() - granted
        return set(arrived) == servers

    wait_for(has_arrived, "it is in force everywhere", 150)
    for server in (CENTRE, SITE_A, SITE_B):
        assert running.address(ADMINISTRATION[server], server) == ANY_V4
        assert running.address(ADMINISTRATION[server], server, "web.whatsapp.com") == BLOCKED
    seconds = ", ".join(f"{server} {after:.0f} s" for server, after in arrived.items())
    figure(f"an exemption in the lab, from the command until it is in force: {seconds}")


def test_sites_go_on_without_the_primary(running: Lab) -> None:
    running.run("cut", "centre")
    try:
        wait_for(lambda: _up(running) == NODES, "Prometheus sees it", 40)
        down = 'ALERTS{alertname="DarbanDown",instance="10.0.0.53:9153"}'
        wait_for(lambda: running.query(down).strip(), "the alert is on its way")
        wait_for(lambda: len(_unreachable(running)) == 4, "BIND says so of each zone", 90)
        _restart_bind(running)  # which has what it has transferred
        for server in (SITE_A, SITE_B):
            for name in ("web.whatsapp.com", "more.web.whatsapp.com"):
                assert running.address(ADMINISTRATION[server], server, name) == BLOCKED
                assert running.address(PUBLICITY[server], server, name) == ANY_V4
        done = running.run("in", "site-a1", "darban", "pull")
        assert done.returncode == 2
        assert "nothing was pulled; the policy in force stays" in done.stdout
    finally:
        running.run("mend", "centre")
    wait_for(lambda: CENTRE in _up(running), "it is there again", 40)
    wait_for(lambda: not running.run("in", "site-a1", "darban", "pull").returncode, "it pulls", 40)


def test_a_secondary_with_a_wrong_key_says_so(running: Lab) -> None:
    key = "/etc/bind/darban-keys.conf"
    wrong = f"cp {key} /tmp; sed -i 's/secret \"..../secret \"AAAA/' {key}"
    _restart_bind(running, f"{wrong}; rm /var/cache/bind/*.rpz.internal*")
    wait_for(lambda: "tsig indicates error" in _log(running, "site-b"), "BIND says why")
    assert running.address(ADMINISTRATION[SITE_B], SITE_B) == ANY_V4, "BIND has no policy"
    _restart_bind(running, f"cp /tmp/darban-keys.conf {key}")
    whatsapp = (ADMINISTRATION[SITE_B], SITE_B, "web.whatsapp.com")
    wait_for(lambda: running.address(*whatsapp) == BLOCKED, "BIND has the policy", 90)


def _restart_bind(running: Lab, change: str = ":") -> None:
    """Restart it, with a change of its files while it does not run."""
    stop = "kill $(cat /run/named/named.pid); while [ -e /run/named/named.pid ]; do sleep 0.1; done"
    start = "named -g -u bind >>/var/log/lab.log 2>&1 </dev/null &"
    running.within("site-b", "sh", "-c", f"{stop}\n{change}\n{start}")
    wait_for(lambda: running.address(PUBLICITY[SITE_B], SITE_B) == ANY_V4, "BIND answers")


def _unreachable(running: Lab) -> set[str]:
    """The zones for which BIND has not reached the primary."""
    return set(re.findall(r"zone (\S+): refresh: failure trying", _log(running, "site-b")))


def _log(running: Lab, box: str) -> str:
    return running.within(box, "cat", "/var/log/lab.log")


def test_nothing_is_left_behind(running: Lab) -> None:
    """The last test: it ends the lab."""
    assert running.run("up").returncode == 1, "it runs already"
    assert running.within("clients", "hostname").strip() == "clients"
    assert running.run("in", "nowhere", "true").returncode == 1
    assert len(running.processes()) > 20
    assert "/run/boxes" not in Path("/proc/self/mounts").read_text(encoding="utf-8")
    running.process.terminate()
    assert running.process.wait(20) == 0
    assert not running.pid_file.exists()
    wait_for(lambda: not running.processes(), "all of it has ended")
    assert running.run("in", "clients", "true").stderr.startswith("The lab does not run")
