"""Configs for the tests: the shipped one made to fit this host, and small ones."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.live.ports import free_port, loopback

ROOT = Path(__file__).parents[2]
BLOCKLISTS = ROOT / "blocklists"

EXEMPTION = """
[[exemptions]]
id = "pr-2031"
prefixes = ["127.0.10.7/32", "fd00:10::7/128"]
services = ["telegram"]
until = 2199-03-20T23:59:59+03:30
approver = "Head of PR"
ticket = "PR-2031"

[warnings]
acknowledged = ["long-exemption:pr-2031"]
"""
"""For 127.0.10.7 of the shipped config's administration."""

_LISTEN = 'listen = ["127.0.0.1:5300", "[::1]:5300"]'
_SERVERS = 'servers = ["system"]'
_ABROAD = 'probe_abroad = "abroad.scene"'
"""A domain without a wildcard: the tests' NSD has one for all others."""


def shipped(
    upstreams: Sequence[str],
    port: int = 0,
    metrics: int = 0,
    listen: Sequence[str] | None = None,
    workers: int = 0,
) -> str:
    """config.toml as shipped, but for its addresses, and upstreams that are the test's own.

    A port of 0 is any that is free; 0 workers are one a CPU, as shipped.
    """
    port, metrics = port or free_port(), metrics or free_port()
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    assert text.count(_LISTEN) == text.count(_SERVERS) == 1
    text = text.replace(_LISTEN, f"listen = {_array(listen or _on_loopback(port))}")
    if workers:
        text = replaced_once(text, "[server]\n", f"[server]\nworkers = {workers}\n")
    text = text.replace(_SERVERS, f"servers = {_array(upstreams)}\n{_ABROAD}")
    text += f'\n[metrics]\nlisten = "127.0.0.1:{metrics}"\n'
    text += f"\n[lists]\ndirectories = {_array([str(BLOCKLISTS)])}\n"
    assert "system" not in tomllib.loads(text)["upstream"]["servers"]
    return text


def replaced_once(text: str, old: str, new: str) -> str:
    """A text with another part; the old part must stand there once."""
    assert text.count(old) == 1
    return text.replace(old, new)


def edited(config: Path, old: str, new: str) -> None:
    """Change one part of a config's file."""
    text = config.read_text(encoding="utf-8")
    config.write_text(replaced_once(text, old, new), encoding="utf-8")


def blocking_more(text: str) -> str:
    """The shipped config with two services more in the policy that blocks."""
    old = 'block = ["@messenger", "@encrypted-dns"]'
    return replaced_once(text, old, 'block = ["@messenger", "@encrypted-dns", "slack", "zoom"]')


def small(
    upstreams: Sequence[str],
    *,
    server: str = "workers = 1",
    upstream: str = "",
    more: str = "",
) -> str:
    """Two VLANs and one rule: web.telegram.org is blocked on ``administration`` alone."""
    port, metrics = free_port(), free_port()
    if "probe_abroad" not in upstream:
        upstream = f"{_ABROAD}\n{upstream}".rstrip()
    return f"""
[server]
listen = {_array(_on_loopback(port))}
{server}
[upstream]
servers = {_array(upstreams)}
{upstream}
[lists]
directories = []
[metrics]
listen = "127.0.0.1:{metrics}"
[policies.administrative]
deny = ["web.telegram.org"]
[policies.publicity]
[vlans.administration]
prefixes = ["127.0.10.0/24"]
policy = "administrative"
[vlans.publicity]
prefixes = ["127.0.0.0/8", "::1/128"]
policy = "publicity"
{more}
"""


def _on_loopback(port: int) -> list[str]:
    return [
        f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        for _, address in loopback()
    ]


def _array(texts: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"
