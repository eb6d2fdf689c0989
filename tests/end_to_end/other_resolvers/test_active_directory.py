"""Active Directory behind this server, with the config of docs/how-to/active-directory.md.

Samba is the controller, at one of the two addresses that the page names; nothing is at the other
one. Two members, each on a VLAN of its own, ask this server for everything. The tests are a story,
in this order, on one domain. What Windows alone can show is on the page.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.documents.pages import DOCS, blocks
from tests.live import domain
from tests.live.commands import GOOD, darban
from tests.live.configs import shipped
from tests.live.domain import DOMAIN, Machine, machine, provision, samba
from tests.live.namespaces import ADMINISTRATION, PUBLICITY, Subnet, namespaces
from tests.live.nsd import ANY_V4, nsd
from tests.live.programs import FILES, has_file, lacking, needed
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

pytestmark = pytest.mark.real_clock

CONTROLLERS = Subnet("controllers", ("10.0.0.1", "fd00::1"), ("10.0.0.10", "fd00::10"))
CONTROLLER = CONTROLLERS.client[0]
PAGE = DOCS / "how-to" / "active-directory.md"
BANNED, OTHER = "web.telegram.org", "www.agency.example"
POLICY = "{31B2F340-016D-11D2-945F-00C04FB984F9}"
"""The default policy of a domain, which every domain has."""
FORWARDING = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")


@dataclass
class Domain:
    """The domain and the server that its members ask."""

    server: Server
    controller: Machine
    member: Machine
    """On the VLAN administration."""
    other: Machine
    """On the VLAN publicity."""
    running: ExitStack
    """Samba of the controller."""

    def start(self) -> None:
        self.running.enter_context(samba(self.controller))

    def flush(self) -> None:
        """Remove what the server has cached of the domain."""
        done = darban("flush", DOMAIN, at=self.server.directory)
        assert done.code == GOOD, done.err


@contextmanager
def _network(ip: Path, nsd_program: Path, directory: Path) -> Iterator[Domain]:
    with ExitStack() as stack:
        made = stack.enter_context(namespaces(ip))
        router = made.add("server")
        into = made.into(router)
        machines: list[Machine] = []
        for subnet, name in ((CONTROLLERS, "dc1"), (ADMINISTRATION, "pc1"), (PUBLICITY, "pc2")):
            namespace = made.add(name)
            made.join(router, namespace, subnet)
            made.lead(namespace, subnet)
            place = directory / name
            dns = CONTROLLER if subnet is CONTROLLERS else subnet.server[0]
            machines.append(machine(name, place, made.into(namespace), dns))
        for key in FORWARDING:
            subprocess.run([*into, "sh", "-c", f"echo 1 >/proc/sys/{key}"], check=True)
        stack.enter_context(nsd(nsd_program, directory, 5353, into))
        listen = [f"{subnet.server[0]}:53" for subnet in (CONTROLLERS, ADMINISTRATION, PUBLICITY)]
        text = shipped(["127.0.0.1:5353"], 53, 9153, listen, workers=1)
        own = "\n".join(block.text for block in blocks("toml", PAGE))
        (directory / "darban").mkdir()
        server = stack.enter_context(servers(directory / "darban"))(f"{text}\n{own}")
        server.through = into
        server.start()
        controller, member, other = machines
        running = stack.enter_context(ExitStack())
        yield Domain(server, controller, member, other, running)
        server.check_log()


@pytest.fixture(scope="module")
def lab(
    ip_program: Path, nsd_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Domain]:
    for program in domain.PROGRAMS:
        needed(program)
    setup = "samba/setup/provision.ldif"
    if not has_file(setup):
        lacking(f"needs /usr/share/{setup}: apt install {FILES[setup]}")
    with _network(ip_program, nsd_program, tmp_path_factory.mktemp("domain")) as made:
        provision(made.controller, CONTROLLER, CONTROLLERS.server[0])
        made.start()
        asked = ("samba-tool", "dns", "zonecreate", CONTROLLER, "10.in-addr.arpa")
        config = f"--configfile={made.controller.smb_config}"
        made.controller.good(*asked, domain.ADMINISTRATOR, config)
        yield made


def test_a_member_finds_its_domain(lab: Domain) -> None:
    controller = f"dc1.{DOMAIN}."
    for service, port in (("_ldap._tcp.dc._msdcs", 389), ("_kerberos._tcp", 88)):
        found = lab.member.address(f"{service}.{DOMAIN}", "SRV")
        assert found == f"0 100 {port} {controller}"
    for zone in (DOMAIN, f"_msdcs.{DOMAIN}", "10.in-addr.arpa"):
        assert lab.member.address(zone, "SOA").startswith(controller)
    assert lab.member.address(DOMAIN, "DS") == "NOERROR", "there is none, and no server is asked"
    assert lab.member.address(controller) == CONTROLLER


def test_members_of_both_vlans_join(lab: Domain) -> None:
    for item in (lab.member, lab.other):
        assert f"dns domain '{DOMAIN}'" in item.net("ads", "join", domain.ADMINISTRATOR)
        assert "Join is OK" in item.net("ads", "testjoin")
    assert lab.member.address(BANNED) == "0.0.0.0", "each VLAN keeps its policy"
    assert lab.other.address(BANNED) == ANY_V4


def test_a_member_writes_its_own_names_and_no_others(lab: Domain) -> None:
    """Secure dynamic update: the SOA names the controller, which is asked directly."""
    for item in (lab.member, lab.other):
        item.net("ads", "kerberos", "kinit", "--machine-pass")
    own = lab.member.update(f"update add pc1.{DOMAIN} 300 TXT own")
    reverse = lab.member.update(f"update add 5.0.10.10.in-addr.arpa 300 PTR pc1.{DOMAIN}.")
    assert (own.code, reverse.code) == (0, 0), own.out + reverse.out
    assert lab.other.address(f"pc1.{DOMAIN}", "TXT") == '"own"'
    assert lab.other.address("-x", "10.10.0.5") == f"pc1.{DOMAIN}."

    add = f"update add pc1.{DOMAIN} 300 A 10.20.0.5"
    assert "REFUSED" in lab.other.update(add).out, "it is not the other member's name"
    assert "REFUSED" in lab.member.update(add, signed=False).out
    here = (f"server {ADMINISTRATION.server[0]}", f"zone {DOMAIN}", add)
    assert "NOTIMP" in lab.member.update(*here, signed=False).out, "this server takes no update"


def test_a_person_logs_on_and_gets_the_policies_of_the_domain(lab: Domain) -> None:
    done = lab.member.log_on("Administrator")
    assert done.code == 0, done.out
    lab.member.good("kvno", f"cifs/dc1.{DOMAIN}")
    read = f"get {DOMAIN}/Policies/{POLICY}/GPT.INI -"
    share = (f"//dc1.{DOMAIN}/sysvol", f"--configfile={lab.member.smb_config}", "--command", read)
    assert "[General]" in lab.member.good("smbclient", "--use-kerberos=required", *share)


def test_an_answer_that_is_too_large_for_udp_comes_over_tcp(lab: Domain) -> None:
    texts = [f'update add pc2.{DOMAIN} 300 TXT "{number:03}{"x" * 100}"' for number in range(30)]
    done = lab.other.update(*texts)
    assert done.code == 0, done.out
    got = lab.member.good("dig", f"pc2.{DOMAIN}", "TXT")
    assert "Truncated, retrying in TCP mode" in got
    assert len(re.findall(r"\tTXT\t", got)) == 30


def test_a_name_that_was_asked_for_too_early_is_found_within_a_minute(lab: Domain) -> None:
    """The controllers say that others may keep the answer for an hour."""
    name = f"new.{DOMAIN}"
    said = lab.member.good("dig", "+noall", "+authority", name)
    assert 0 < int(said.split()[1]) <= 60
    assert lab.member.log_on("Administrator").code == 0
    assert lab.member.update(f"update add {name} 300 A 10.10.0.6").code == 0
    assert lab.member.address(name) == "NXDOMAIN"
    lab.flush()
    assert lab.member.address(name) == "10.10.0.6"


def test_a_controller_is_no_way_around_the_policy(lab: Domain) -> None:
    """Members reach it, since they send their updates there. It forwards to this server."""
    for item in (lab.member, lab.other):
        assert item.address(f"@{CONTROLLER}", OTHER) == ANY_V4
        assert item.address(f"@{CONTROLLER}", BANNED) == "0.0.0.0"


def test_without_a_controller_all_but_the_domain_goes_on(lab: Domain) -> None:
    cached = lab.member.address(f"pc1.{DOMAIN}")
    assert cached == ADMINISTRATION.client[0]
    lab.running.close()
    assert lab.member.address(f"pc1.{DOMAIN}") == cached
    assert lab.member.address(f"unknown.{DOMAIN}") == "SERVFAIL"
    assert lab.member.address(BANNED) == "0.0.0.0"
    assert lab.other.address(BANNED) == ANY_V4
    assert lab.member.address(OTHER) == ANY_V4
    lab.start()
    wait_for(lambda: lab.member.address(f"later.{DOMAIN}") == "NXDOMAIN", "it is back")
    assert lab.member.log_on("Administrator").code == 0
