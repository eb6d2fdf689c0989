"""The servers of resolv.conf, as the file changes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.upstream.addresses import UpstreamAddresses
from tests.snapshot.texts import compile_texts

_CONFIG = """
[server]
listen = ["127.0.0.1:53"]
[upstream]
servers = ["system"]
bootstrap = ["127.0.0.1:5399"]
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
    return [each["address"] for each in hosts.groups()[""]]


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
        terms = compile_texts(_CONFIG).terms
        hosts = UpstreamAddresses(terms, path)
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
        after_reload = UpstreamAddresses(terms, path)
        after_reload.learn(hosts)
        assert _addresses(hosts) == _addresses(after_reload) == _FOUND
        write(path, "nameserver 192.0.2.54\n")
        for each in (hosts, after_reload):
            assert each.look()
            assert _addresses(each) == ["192.0.2.54"]

    asyncio.run(follow())
