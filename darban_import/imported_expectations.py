"""The expectations of an imported config: names that were blocked and names that passed, by VLAN.

What must stay true: an expectation holds whatever lists of others have, which are not fetched yet.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from itertools import chain, islice
from typing import Final

from darban_import.old_setup import OldPolicy, OldSetup, Rules, name_of
from resolver.config.first_config import client_of, expectation, quoted, refused_client
from resolver.config.values import Network
from resolver.dns import names
from resolver.dns.special_use import is_private

_BLOCKED = 2
"""Blocked names that are expected for each VLAN; there may be thousands."""
_OF_OTHERS = 20
"""Names of each policy that may be expected to pass for another one."""
_NO_POLICY: Final = OldPolicy()


@dataclass(frozen=True, slots=True)
class ImportedVlan:
    """A VLAN of the new config."""

    name: str
    prefixes: Sequence[Network]
    policy: OldPolicy | None
    """None for an open VLAN."""


@dataclass(frozen=True, slots=True)
class _Names:
    """What is expected of a policy."""

    allow: Rules
    deny: Rules
    blocked: Sequence[str]
    """The first names that are blocked at all hours."""
    allowed: Sequence[str]
    """The first name that is allowed, if there is one."""


class Expectations:
    """Makes the expectations of an old setup."""

    def __init__(self, old: OldSetup, services: Mapping[str, str], *, audit: bool) -> None:
        """``services`` has one name of each service; ``audit`` is whether blocks only count."""
        self._services = services
        self._audit = audit
        self._local = {names.parse(name.removeprefix("*.")) for name in old.local}
        self._names = cache(self._names_of)

    def of_vlans(self, vlans: Sequence[ImportedVlan]) -> Iterator[str]:
        """The text of those of each VLAN, and of one for a client of none."""
        prefixes = [prefix for vlan in vlans for prefix in vlan.prefixes]
        policies = dict.fromkeys(vlan.policy or _NO_POLICY for vlan in vlans)
        known = dict.fromkeys(chain(*(self._names(policy).blocked for policy in policies)))
        for vlan in vlans:
            clients = (client_of(prefix, prefixes) for prefix in vlan.prefixes)
            client = next((str(address) for address in clients if address is not None), None)
            if client is not None:
                yield from self._of_client(client, vlan.policy or _NO_POLICY, known)
        yield from refused_client(prefixes)

    def _of_client(self, client: str, policy: OldPolicy, known: Iterable[str]) -> Iterator[str]:
        """Names that are blocked for a client, one that is allowed, one that is for others."""
        address, policy_names = ip_address(client), self._names(policy)
        for name in policy_names.blocked[:_BLOCKED]:
            yield expectation(address, name, self._outcome(policy))
        for name in policy_names.allowed:
            yield expectation(address, name, "passed")
        if not policy.lists and not policy.services and not policy.during:
            of_others = (name for name in known if not policy_names.deny.covers(name))
            for name in islice(of_others, 1):
                yield expectation(address, name, "passed")
        yield from self._at_hours(client, policy)

    def _at_hours(self, client: str, policy: OldPolicy) -> Iterator[str]:
        """What holds within the hours of a schedule, for one name of its services."""
        policy_names = self._names(policy)
        for during in policy.during if not policy.lists else ():
            of_services = (self._services[service] for service in during.services)
            free = (
                n
                for n in of_services
                if not policy_names.allow.covers(n) | policy_names.deny.covers(n)
            )
            for name in islice(free, 1):
                outcome = "passed" if during.outside else self._outcome(policy)
                text = expectation(ip_address(client), name, outcome)
                yield f"{text}hours = {quoted(during.hours)}\n"

    def _outcome(self, policy: OldPolicy) -> str:
        return "blocked" if policy.enforced and not self._audit else "would_block"

    def _names_of(self, policy: OldPolicy) -> _Names:
        allow = Rules(policy.allow)
        denied = (name_of(rule) for rule in policy.deny)
        of_services = (self._services[service] for service in policy.services)
        blocked = (
            name
            for name in chain(denied, of_services)
            if self._is_public(name) and not allow.covers(name)
        )
        allowed = filter(self._is_public, map(name_of, policy.allow))
        return _Names(
            allow,
            Rules(policy.deny),
            tuple(islice(blocked, _OF_OTHERS)),
            tuple(islice(allowed, 1)),
        )

    def _is_public(self, name: str) -> bool:
        """Whether the policy decides on a name, and no local record does."""
        wire = names.parse(name)
        return not is_private(wire) and self._local.isdisjoint(names.zones(wire))
