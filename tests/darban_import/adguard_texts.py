"""Texts of AdGuardHome.yaml, as AdGuard Home writes them."""

import textwrap
from collections.abc import Iterable

OFFICE = """
schedule:
  time_zone: Asia/Tehran
  sat:
    start: 7h30m0s
    end: 14h30m0s
  sun:
    start: 7h30m0s
    end: 14h30m0s
"""
UNEVEN = """
schedule:
  time_zone: Asia/Tehran
  sat:
    start: 12h0m0s
    end: 13h0m0s
  sun:
    start: 0s
    end: 24h0m0s
  mon:
    start: 12h0m0s
    end: 13h30m0s
"""
NO_SCHEDULE = """
schedule:
  time_zone: Asia/Tehran
"""


def adguard(
    *,
    rules: Iterable[str] = (),
    services: str = f"{NO_SCHEDULE}ids: []",
    clients: str = "[]",
    filters: str = "[]",
    upstream: Iterable[str] = ("9.9.9.10",),
    rewrites: str = "[]",
    more: str = "",
    schema: int = 29,
) -> str:
    """A whole file; ``more`` is in its section filtering."""
    return f"""\
http:
  address: 0.0.0.0:3000
  session_ttl: 720h
users:
  - name: admin
    password: $2y$10$abc
dns:
  bind_hosts:
    - 0.0.0.0
  port: 53
  upstream_dns:{_array(upstream)}
  upstream_dns_file: ""
  bootstrap_dns:
    - 9.9.9.10
    - 2620:fe::10
  fallback_dns: []
tls:
  enabled: false
filters: {_below(filters, 2)}
whitelist_filters: []
user_rules:{_array(rules)}
dhcp:
  enabled: false
filtering:
  blocked_services:{_below(services, 4)}
  rewrites: {_below(rewrites, 4)}
  protection_enabled: true
  filtering_enabled: true
  blocking_mode: default
  safe_search:
    enabled: false
  parental_enabled: false
  safebrowsing_enabled: false
{textwrap.indent(more, "  ")}
clients:
  runtime_sources:
    whois: true
  persistent: {_below(clients, 4)}
schema_version: {schema}
"""


def client(
    name: str,
    ids: Iterable[str],
    *,
    services: str = f"{NO_SCHEDULE}ids: []",
    own_settings: bool = False,
    is_filtering: bool = False,
    own_services: bool = False,
    upstreams: Iterable[str] = (),
) -> str:
    """One of clients.persistent."""
    return f"""
- safe_search:
    enabled: false
  blocked_services:{_below(services, 4)}
  name: {name}
  ids:{_array(ids)}
  tags: []
  upstreams:{_array(upstreams)}
  uid: 0190f5d5-0000-7000-8000-000000000000
  upstreams_cache_size: 0
  upstreams_cache_enabled: false
  use_global_settings: {_word(not own_settings)}
  filtering_enabled: {_word(is_filtering)}
  parental_enabled: false
  safebrowsing_enabled: false
  use_global_blocked_services: {_word(not own_services)}
  ignore_querylog: false
  ignore_statistics: false
"""


def _word(value: bool) -> str:
    return "true" if value else "false"


def _array(texts: Iterable[str]) -> str:
    lines = ["    - '" + text.replace("'", "''") + "'" for text in texts]
    return "".join(f"\n{line}" for line in lines) or " []"


def _below(text: str, spaces: int) -> str:
    text = text.strip("\n")
    return text if text.startswith("[") else "\n" + textwrap.indent(text, " " * spaces)
