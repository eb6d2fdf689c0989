"""The upstream groups of a config, and the zones whose queries go to one of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from resolver.dns import names
from resolver.policy.prefix import Prefix
from resolver.policy.settings import Endpoint

DEFAULT_GROUP: Final = ""
"""The group of ``[upstream]``."""
FALLBACK_GROUP: Final = ":fallback"
"""The group of the fallback servers."""
TLS_SCHEME: Final = "tls://"
"""Begins the text of a server that is asked over TLS."""
_OF_FORWARD: Final = "forward:"
"""Begins the name of the group of a ``[[forward]]``. No other group of the config has a colon."""


def forward_group(index: int) -> str:
    """The name of the group of a ``[[forward]]`` of the config."""
    return f"{_OF_FORWARD}{index}"


def is_forward_group(name: str) -> bool:
    """Whether a group is that of a ``[[forward]]``."""
    return name.startswith(_OF_FORWARD)


@dataclass(frozen=True, slots=True)
class ConfiguredServer:
    """An upstream server as the config names it; ``system`` stands for those of resolv.conf."""

    host: str
    port: int
    kind: str
    """``address``, ``hostname`` or ``system``."""
    tls_name: str = ""
    """The name that its certificate is verified for; empty for plain DNS."""

    def __str__(self) -> str:
        if self.kind == "system":
            return self.host
        at = str(Endpoint(self.host, self.port))
        return f"{TLS_SCHEME}{self.tls_name}@{at}" if self.tls_name else at

    @property
    def is_loopback(self) -> bool:
        """Whether it has a loopback address, so that nobody else is on the path to it."""
        return self.kind == "address" and ip_address(self.host).is_loopback


@dataclass(frozen=True, slots=True)
class RebindingProtection:
    """What is let through of an upstream group that withholds private addresses."""

    names: tuple[bytes, ...]
    """Each with all names below it."""
    prefixes: tuple[Prefix, ...]
    """The owners mean nothing."""


@dataclass(frozen=True, slots=True)
class ConfiguredGroup:
    """An upstream group as the config names it; ``""`` is the default group."""

    name: str
    servers: tuple[ConfiguredServer, ...]
    trust_ad: bool = False
    """Whether AD of its servers is passed on."""
    rebinding: RebindingProtection | None = None
    """None if private addresses in its answers pass."""
    source: tuple[str, ...] = ()
    """The addresses of this host that queries leave from, at most one of each family."""
    authorities: str = ""
    """The certificates, in PEM, that are trusted besides the system's; empty for none."""


def with_other_servers(
    before: Iterable[ConfiguredGroup], now: Iterable[ConfiguredGroup]
) -> frozenset[str]:
    """The groups that have lost a server, or ask one in another way, such as over TLS.

    The addresses that a name or resolv.conf gives for a server do not count.
    """
    servers = {group.name: group.servers for group in now}
    return frozenset(
        group.name for group in before if set(group.servers) - set(servers.get(group.name, ()))
    )


@dataclass(frozen=True, slots=True)
class ForwardZone:
    """A zone whose queries go to an upstream group of its own."""

    zone: bytes
    group: str


def group_section(forwarded: Iterable[ForwardZone], group: str) -> str:
    """The section of the config that names a group's servers."""
    zones = [names.text(forward.zone) for forward in forwarded if forward.group == group]
    if zones:
        return f"[[forward]] {', '.join(zones)}"
    return f"[upstreams.{group}]" if group else "[upstream]"
