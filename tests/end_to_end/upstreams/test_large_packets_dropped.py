"""A path that drops packets over 1,400 octets and says nothing, as a VPN, PPPoE or GRE may.

Darban is in one namespace. Unbound and the clients are in another, behind this path. Unbound has
answers that need TCP, and a chain of certificates that needs several segments.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live.certificates import CertificateAuthority
from tests.live.clients import read, run
from tests.live.configs import replaced_once, small
from tests.live.namespaces import ADMINISTRATION, Namespaces, link_names, namespaces
from tests.live.ports import listens
from tests.live.programs import needed
from tests.live.running import running
from tests.live.server import Server, servers
from tests.live.unbound import ALONE
from tests.live.waiting import wait_for

Make = Callable[[str], Server]

NAME = "dns.agency.example"
OURS, THEIRS = ADMINISTRATION.server, ADMINISTRATION.client
_STRINGS = 20
"""Of 200 octets, in the answer for every name."""
_MOST = 1400
"""Octets of a packet that passes, with its IP header."""
_UNBOUND = (
    ALONE
    + """
server:
  module-config: "iterator"
  interface: {v4}@53
  interface: {v6}@53
  interface: {v4}@853
  tls-service-pem: "{certificate.file}"
  tls-service-key: "{certificate.key}"
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  logfile: ""
  local-zone: "." redirect
  local-data: '. TXT {long}'
"""
)
_RULES = """
table inet path {{
  chain arriving {{
    type filter hook prerouting priority raw
    iif lo accept
    meta length > {most} drop
    {more}
  }}
}}
"""


class LossyPath:
    """The two ends of the path, and the server at one of them."""

    def __init__(self, made: Namespaces, ours: str, theirs: str) -> None:
        self._made, self._ours, self._theirs = made, ours, theirs

    @property
    def into_ours(self) -> list[str]:
        return self._made.into(self._ours)

    @property
    def into_theirs(self) -> list[str]:
        return self._made.into(self._theirs)

    def drop(self, more: str = "") -> None:
        """Drop large packets at both ends, and more of what comes to the upstream."""
        for namespace, link, also in zip(
            (self._ours, self._theirs), link_names(ADMINISTRATION), ("", more), strict=True
        ):
            into = self._made.into(namespace)
            # Else the kernel hands in several segments as one packet.
            run([*into, str(needed("ip")), "link", "set", link, "gso_max_segs", "1"])
            rules = _RULES.format(most=_MOST, more=also)
            subprocess.run([*into, needed("nft"), "-f", "-"], input=rules, text=True, check=True)

    def ask(self, server: Server, name: str, at: str = OURS[0]) -> list[str]:
        """The strings of a name for a client over TCP; empty for an error."""
        dig = [*self.into_theirs, str(needed("dig")), "+tcp", "-p", str(server.port), f"@{at}"]
        answer = read(run([*dig, name, "TXT", "+tries=1", "+timeout=9"]))
        return answer.data[0].split() if answer.data else []


@pytest.fixture
def path(ip_program: Path) -> Iterator[LossyPath]:
    with namespaces(ip_program) as made:
        ours, theirs = made.add("ours"), made.add("theirs")
        made.join(ours, theirs, ADMINISTRATION)
        yield LossyPath(made, ours, theirs)


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority.make(needed("openssl"), tmp_path / "ca")


@pytest.fixture
def make(path: LossyPath, authority: CertificateAuthority, tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:
        names = [f"DNS:{'x' * 50}.n{number}.example" for number in range(40)]
        certificate = authority.issue("long", f"DNS:{NAME}", *names)
        assert certificate.file.stat().st_size > 2 * _MOST
        long = " ".join(f'"{number:03}{"x" * 197}"' for number in range(_STRINGS))
        text = _UNBOUND.format(
            v4=THEIRS[0], v6=THEIRS[1], place=tmp_path, certificate=certificate, long=long
        )
        config = tmp_path / "unbound.conf"
        config.write_text(text, encoding="utf-8")
        unbound: list[str | Path] = [*path.into_theirs, needed("unbound"), "-d", "-c", config]
        process = stack.enter_context(running(unbound))
        wait_for(lambda: listens(process.pid, 53), "Unbound is ready")
        made = stack.enter_context(servers(tmp_path))

        def make(upstream: str) -> Server:
            text = small([upstream], upstream=f'ca_file = "{authority.file}"')
            server = made(text)
            addresses = f'"{OURS[0]}:{server.port}", "[{OURS[1]}]:{server.port}"'
            text = replaced_once(
                text, 'listen = ["127.0.0.1:', f'listen = [{addresses}, "127.0.0.1:'
            )
            text = replaced_once(text, '"::1/128"', '"::1/128", "10.10.0.0/24", "fd00:10::/64"')
            server.config.write_text(text, encoding="utf-8")
            server.through = path.into_ours
            return server

        yield make


@pytest.mark.parametrize(
    "upstream",
    [THEIRS[0], f"[{THEIRS[1]}]:53", f"tls://{NAME}@{THEIRS[0]}"],
    ids=["v4", "v6", "tls"],
)
def test_large_answers_come_from_the_upstream_and_reach_clients(
    path: LossyPath, make: Make, upstream: str
) -> None:
    path.drop()
    server = make(upstream).start()
    for number, at in enumerate(OURS):
        assert len(path.ask(server, f"n{number}.example", at)) == _STRINGS


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("tcp dport 853 meta length > 200 drop", "does not acknowledge what was sent"),
        ("", "the server acknowledges what was sent"),
    ],
    ids=["dropped", "hangs"],
)
def test_a_stalled_handshake_is_logged_with_what_stalls(
    path: LossyPath, make: Make, more: str, why: str
) -> None:
    """In the latter case Unbound's side of the handshake is dropped on its way here."""
    upstream = f"tls://{NAME}@{THEIRS[0]}"
    path.drop(more)
    if not more:
        rule = "tcp sport 853 meta length > 200 drop"
        run(
            [
                *path.into_ours,
                needed("nft"),
                "add",
                "rule",
                "inet",
                "path",
                "arriving",
                *rule.split(),
            ]
        )
    server = make(upstream).start()
    wait_for(
        lambda: f"upstream {upstream}:853 cannot be asked, since TLS fails: " in server.err,
        "it is logged",
        20,
    )
    assert why in server.err
