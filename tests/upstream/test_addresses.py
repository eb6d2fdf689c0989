"""The servers of resolv.conf as the file changes, and those of a host name."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from dnslib import QTYPE, RCODE, RR, DNSRecord

from resolver.policy.settings import Endpoint
from resolver.upstream.addresses import UpstreamAddresses, bootstrap
from tests.compiler.texts import compile_texts

_CONFIG = """
[server]
listen = ["127.0.0.1:53"]
[upstream]
servers = ["{server}"]
bootstrap = ["127.0.0.1:{bootstrap}"]
[policies.open]
[vlans.here]
prefixes = ["127.0.0.0/8"]
policy = "open"
"""
_BY_DHCP = """\
; by DHCP\r
domain agency.example\r
search agency.example example\r
options edns0 trust-ad\r
nameserver 192.0.2.53 # the first\r
\tnameserver 2001:db8::53\r
nameserver fe80::53%eth0\r
nameserver\r
nameserver router\r
nameserver 127.0.0.1\r
"""
_FOUND = ["192.0.2.53", "2001:db8::53", "fe80::53%eth0"]


def _addresses(hosts: UpstreamAddresses) -> list[str]:
    return [address["address"] for address in hosts.groups()[""]]


def _write_in_place(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")


def _rename(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    _write_in_place(new, text)
    new.replace(path)


def _link(path: Path, text: str) -> None:
    target = path.with_name(f"{len(text)}.conf")
    _write_in_place(target, text)
    new = path.with_suffix(".new")
    new.symlink_to(target)
    new.replace(path)


Write = Callable[[Path, str], None]


@pytest.mark.parametrize("write", [_write_in_place, _rename, _link])
def test_resolv_conf_is_followed(tmp_path: Path, write: Write) -> None:
    async def follow() -> None:
        path = tmp_path / "resolv.conf"
        compiled = compile_texts(_CONFIG.format(server="system", bootstrap=5399)).compiled
        hosts = UpstreamAddresses(compiled, path)
        assert _addresses(hosts) == [], "there is none yet"
        write(path, _BY_DHCP)
        assert hosts.look()
        assert _addresses(hosts) == _FOUND
        assert not hosts.look()
        for empty in ("", "# being written\n", "nameserver 127.0.0.1\n"):
            write(path, empty)
            assert not hosts.look()
            assert _addresses(hosts) == _FOUND, "the servers before are asked"
        path.unlink()
        assert not hosts.look()
        after_reload = UpstreamAddresses(compiled, path)
        after_reload.learn(hosts)
        assert _addresses(hosts) == _addresses(after_reload) == _FOUND
        write(path, "nameserver 192.0.2.54\n")
        for addresses in (hosts, after_reload):
            assert addresses.look()
            assert _addresses(addresses) == ["192.0.2.54"]

    asyncio.run(follow())


class _Bootstrap:
    """A name server with addresses by type; one without a list fails."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str] | None] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        packet, sender = self._socket.recvfrom(4096)
        query = DNSRecord.parse(packet)
        rtype = QTYPE[query.q.qtype]
        addresses = self.addresses[rtype]
        response = query.reply()
        if addresses is None:
            response.header.rcode = RCODE.SERVFAIL
        for text in addresses or ():
            response.add_answer(*RR.fromZone(f"{query.q.qname} 0 {rtype} {text}"))
        self._socket.sendto(response.pack(), sender)


def test_a_look_up_that_fails_for_one_family_takes_no_address_away() -> None:
    v4, v6, other = "192.0.2.1", "2001:db8::1", "192.0.2.2"

    async def resolve() -> None:
        bootstrap = _Bootstrap()
        bootstrap.start()
        text = _CONFIG.format(server="ns.agency.example", bootstrap=bootstrap.port)
        hosts = UpstreamAddresses(compile_texts(text).compiled)
        for answers, expected in (
            (([v4], [v6]), [v4, v6]),
            ((None, [v6]), [v4, v6]),
            (([v4], None), [v4, v6]),
            ((None, None), [v4, v6]),
            (([other], None), [other, v6]),
            (([other], []), [other]),
            (([], []), [other]),
        ):
            bootstrap.addresses = dict(zip(("A", "AAAA"), answers, strict=True))
            await hosts.resolve()
            assert _addresses(hosts) == expected, answers
        bootstrap.stop()

    asyncio.run(resolve())


def test_host_names_are_resolved_by_no_server_over_tls_since_that_would_be_plain_dns() -> None:
    mixed = """
[upstreams.plain]
servers = ["192.0.2.53"]
[upstream]
servers = ["tls://dns.example@192.0.2.99"]
"""
    text = _CONFIG.format(server="unused", bootstrap=5399).split("[policies", 1)
    compiled = compile_texts(f"{mixed}[policies{text[1]}").compiled
    assert bootstrap(compiled) == [Endpoint("192.0.2.53", 53)]
