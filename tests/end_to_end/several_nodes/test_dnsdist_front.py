"""DNS over TLS and HTTPS through dnsdist: each VLAN gets its own policy, cold and warm.

Darban and dnsdist are in one network namespace, as on one box, and a client in each of two others.
dnsdist has the config that Darban exports.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from resolver.policy.settings import TCP_PER_ADDRESS
from tests.dns.proxy_headers import header
from tests.live.chromium import chromium
from tests.live.clients import Answer, read, run
from tests.live.configs import shipped
from tests.live.dnsdist import NAME, certificate, dnsdist
from tests.live.namespaces import ADMINISTRATION, PUBLICITY, Namespaces, Subnet, namespaces
from tests.live.nsd import ANY_V4, nsd
from tests.live.programs import needed
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

VLANS = (ADMINISTRATION, PUBLICITY)
BLOCKED = {ADMINISTRATION: "0.0.0.0", PUBLICITY: ANY_V4}
PROXIED = 5353
_UPSTREAM = 5354
_SITE = "telegram.me"
_FRONT = f"""
[server.proxy]
listen = ["0.0.0.0:{PROXIED}"]
from = ["127.0.0.1/32"]
[front]
name = "{NAME}"
certificate = "dns.pem"
key = "dns.key"
dns = [{{addresses53}}]
dot = [{{addresses853}}]
doh = [{{addresses443}}]
nodes = ["127.0.0.1:{PROXIED}"]
"""
_SERVE = """
import http.server, ssl, sys
trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
trusted.load_cert_chain(sys.argv[2], sys.argv[3])
site = http.server.ThreadingHTTPServer((sys.argv[1], 443), http.server.SimpleHTTPRequestHandler)
# Chromium opens connections that it may not use: no handshake may keep others from being accepted.
site.socket = trusted.wrap_socket(site.socket, server_side=True, do_handshake_on_connect=False)
site.serve_forever()
"""
_SEND = """
import socket, sys
address, octets = (sys.argv[1], int(sys.argv[2])), bytes.fromhex(sys.argv[3])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.sendto(octets, address)
with socket.create_connection(address, 5) as asking:
    try:
        asking.sendall(octets)
        print(len(asking.recv(4096)))
    except ConnectionError:
        print(0)
"""
_TLS = """
import socket, ssl, sys, time
address, pause, connections = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
query = bytes.fromhex("001b000101000001000000000000096c6f63616c686f73740000010001")
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
held, answered = [], 0
for _ in range(connections):
    try:
        held.append(context.wrap_socket(socket.create_connection((address, 853), 5)))
    except OSError:
        continue
for _ in range(2):
    for each in held:
        try:
            each.sendall(query)
            answered += bool(each.recv(4096))
        except OSError:
            continue
    time.sleep(pause)
print(answered)
"""


class Office:
    """What the clients of both VLANs run."""

    def __init__(self, made: Namespaces, clients: dict[str, str], server: Server) -> None:
        self._made = made
        self._clients = clients
        self.server = server
        self.ca = server.directory / "dns.pem"

    def on(self, vlan: Subnet) -> list[str]:
        """The command that runs what follows it at a client."""
        return self._made.into(self._clients[vlan.vlan])

    def kdig(self, vlan: Subnet, name: str, *options: str, rtype: str = "A") -> Answer:
        trusted = (f"+tls-ca={self.ca}", f"+tls-hostname={NAME}") if options else ()
        command: list[str | Path] = [
            *self.on(vlan),
            needed("kdig"),
            f"@{vlan.server[0]}",
            name,
            rtype,
        ]
        return read(run([*command, "+retry=0", "+timeout=5", *options, *trusted]))

    def curl(self, vlan: Subnet, name: str) -> list[str]:
        """The addresses that curl tries, which it has asked for by HTTPS."""
        url = f"https://{vlan.server[0]}/dns-query"
        command = [*self.on(vlan), str(needed("curl")), "--silent", "--verbose", "--ipv4"]
        command += ["--doh-url", url, "--cacert", str(self.ca), "--max-time", "5"]
        done = subprocess.run(
            [*command, f"http://{name}/"], capture_output=True, text=True, check=False
        )
        return re.findall(r"Trying (\S+):80\b", done.stderr)


@pytest.fixture(scope="module")
def office(
    ip_program: Path, nsd_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    dnsdist_program, openssl = needed("dnsdist"), needed("openssl")
    directory = tmp_path_factory.mktemp("office")
    addresses = [vlan.server[0] for vlan in VLANS]
    listen = {
        f"addresses{port}": ", ".join(f'"{address}:{port}"' for address in addresses)
        for port in (53, 853, 443)
    }
    with namespaces(ip_program) as made, ExitStack() as stack:
        home = made.add("server")
        made.give(home, f"{ANY_V4}/32")
        clients = {vlan.vlan: made.add(vlan.vlan) for vlan in VLANS}
        for vlan in VLANS:
            made.join(home, clients[vlan.vlan], vlan)
            made.lead(clients[vlan.vlan], vlan)
        inside = made.into(home)
        stack.enter_context(nsd(nsd_program, directory, _UPSTREAM, inside))
        text = shipped([f"127.0.0.1:{_UPSTREAM}"], 5300, 9153) + _FRONT.format(**listen)
        server = stack.enter_context(servers(directory))(text)
        certificate(openssl, server.directory, *addresses)
        server.through = inside
        server.start()
        stack.enter_context(dnsdist(dnsdist_program, server.config, inside))
        pair = [server.directory / text for text in ("dns.pem", "dns.key")]
        serving = subprocess.Popen(
            [*inside, sys.executable, "-c", _SERVE, ANY_V4, *pair],
            cwd=tmp_path_factory.mktemp("site"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(serving.wait)
        stack.callback(serving.terminate)
        office = Office(made, clients, server)
        wait_for(lambda: _answers(office), "dnsdist answers")
        yield office
        assert server.stop().code == 0
        server.check_log()


def _answers(office: Office) -> bool:
    try:
        return office.kdig(ADMINISTRATION, "localhost").status == "NOERROR"
    except AssertionError:
        return False


@pytest.mark.parametrize("over", [(), ("+tcp",), ("+tls",), ("+https",)], ids=lambda o: str(o[:1]))
@pytest.mark.parametrize("first", VLANS, ids=lambda vlan: vlan.vlan)
def test_each_vlan_has_its_policy_whoever_asks_first(
    office: Office, over: tuple[str, ...], first: Subnet
) -> None:
    name = f"{first.vlan}{len(''.join(over))}.web.telegram.org"  # nobody has asked for it yet
    second = VLANS[first == ADMINISTRATION]
    for vlan in (first, second, first, second):
        answer = office.kdig(vlan, name, *over)
        assert answer.data == [BLOCKED[vlan]]
        assert bool(answer.errors) == (vlan == ADMINISTRATION)


@pytest.mark.parametrize("over", ["+tls", "+https"])
def test_a_long_answer_is_whole(office: Office, over: str) -> None:
    assert len(office.kdig(PUBLICITY, "big.scene", over, rtype="TXT").answer) > 1


def test_the_header_decides_who_is_counted(office: Office) -> None:
    def blocked() -> float:
        labels = {"vlan": "administration", "outcome": "blocked", "service": "telegram"}
        return office.server.scrape().value("darban_queries_total", **labels)

    before = blocked()
    for vlan in VLANS:
        office.kdig(vlan, "web.telegram.org", "+tls")
    assert blocked() - before == 1


def test_clients_find_encrypted_dns_by_itself(office: Office) -> None:
    answer = office.kdig(PUBLICITY, "_dns.resolver.arpa", rtype="SVCB")
    hints = ",".join(vlan.server[0] for vlan in VLANS)
    told = [re.sub(r'"', "", text) for text in answer.data]
    assert told == [
        f"1 {NAME}. alpn=dot port=853 ipv4hint={hints}",
        f"2 {NAME}. alpn=h2 port=443 ipv4hint={hints} dohpath=/dns-query{{?dns}}",
    ]


@pytest.mark.parametrize("times", ["cold", "warm"])
def test_curl_over_https(office: Office, times: str) -> None:
    assert times
    for vlan in VLANS:
        assert office.curl(vlan, "www.telegram.org") == [BLOCKED[vlan]]


def test_a_connection_that_was_idle_is_used_again(office: Office) -> None:
    """For longer than the 2 s after which dnsdist closes connections by default."""
    asked = (sys.executable, "-c", _TLS, PUBLICITY.server[0], "3", "1")
    assert run([*office.on(PUBLICITY), *asked]).split() == ["2"]


def test_one_client_cannot_hold_all_connections(office: Office) -> None:
    asked = (sys.executable, "-c", _TLS, PUBLICITY.server[0], "0", str(TCP_PER_ADDRESS + 20))
    [answered] = run([*office.on(PUBLICITY), *asked]).split()
    # Two queries on each. Where a client has nine tenths of its connections, dnsdist 2 closes the
    # others after 500 ms or one query; dnsdist 1.9 does not.
    assert TCP_PER_ADDRESS < int(answered) <= 2 * TCP_PER_ADDRESS
    assert office.kdig(ADMINISTRATION, "web.telegram.org", "+tls").data == ["0.0.0.0"]


def test_who_is_not_listed_gets_nothing(office: Office) -> None:
    """A client that forges a header of another VLAN, straight to the proxied listener."""
    query = bytes.fromhex("000101000001000000000000096c6f63616c686f73740000010001")
    forged = header(PUBLICITY.client[0]) + query
    before = office.server.scrape().value("darban_proxy_rejects_total")
    where = (ADMINISTRATION.server[0], str(PROXIED), forged.hex())
    heard = run([*office.on(ADMINISTRATION), sys.executable, "-c", _SEND, *where])
    assert heard.split() == ["0"]
    wait_for(
        lambda: office.server.scrape().value("darban_proxy_rejects_total") == before + 2,
        "both are rejected",
    )


def test_chromium_over_https(
    office: Office, chromium_program: Path, tmp_path: Path, openssl_pin: Callable[[Path], str]
) -> None:
    for vlan in VLANS:
        profile = tmp_path / vlan.vlan / "profile"
        profile.mkdir(parents=True)
        template = f"https://{vlan.server[0]}/dns-query{{?dns}}"
        (profile / "Local State").write_text(
            f'{{"dns_over_https": {{"mode": "secure", "templates": "{template}"}}}}',
            encoding="utf-8",
        )
        pin = f"--ignore-certificate-errors-spki-list={openssl_pin(office.ca)}"
        with chromium(chromium_program, profile, office.on(vlan), pin) as browser:
            for _ in ("cold", "warm"):
                page = browser.open(f"https://{_SITE}/")
                if vlan == ADMINISTRATION:
                    assert page.error == "net::ERR_CONNECTION_REFUSED"  # 0.0.0.0
                else:
                    assert page.error == ""
                    assert "Directory listing" in page.text
                page.close()


@pytest.fixture
def openssl_pin() -> Callable[[Path], str]:
    """The hash of a certificate's key, in base64."""

    def pin(place: Path) -> str:
        script = (
            f"openssl x509 -in {place} -pubkey -noout | openssl pkey -pubin -outform der"
            " | openssl dgst -sha256 -binary | openssl base64 -A"
        )
        return run(["sh", "-c", script]).strip()

    return pin
