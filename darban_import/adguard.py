"""Read an AdGuardHome.yaml: lists, user rules, blocked services, clients, rewrites, upstreams.

AdGuard Home finds the client of an address by the address, then by the longest prefix. Lists and
user rules are for all clients, unless filtering is off; blocked services are those of all, or the
client's own. An allowed name wins over a denied one, and over blocked services.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from darban_import.adguard_rules import read_rewrites, read_user_rules
from darban_import.adguard_schedule import read_schedule
from darban_import.adguard_upstreams import read_bootstrap, read_upstreams
from darban_import.old_setup import (
    OldClients,
    OldDuring,
    OldPolicy,
    OldSetup,
    OldSetupError,
    denied,
    guessed_format,
    label,
    prefix,
    unique,
)
from darban_import.yaml_text import Table, read_yaml
from resolver.config.values import Network
from resolver.system.english import count_text

_FIRST_SCHEMA: Final = 26
"""Since this one, of AdGuard Home 0.107.37, the settings of filtering have their present places."""
_OTHER_NAMES: Final = {
    "twitter": "x",
    "facebook_messenger": "facebook-messenger",
    "lark": "lark-feishu",
}
"""Services that have another name here."""
_ANSWERS: Final = {"nxdomain": "nxdomain", "refused": "refused"}
"""The blocking modes that are not a sinkhole."""
_OF_CLIENT: Final = {
    *("name", "ids", "tags", "uid", "upstreams", "upstreams_cache_size", "safe_search"),
    *("upstreams_cache_enabled", "use_global_settings", "filtering_enabled", "parental_enabled"),
    *("safebrowsing_enabled", "use_global_blocked_services", "blocked_services"),
    *("ignore_querylog", "ignore_statistics"),
}
"""The keys of a client that are read, or that change nothing of what is blocked but by name."""


def read_adguard(content: bytes, path: Path, services: Collection[str]) -> OldSetup:
    """Read the content of an AdGuardHome.yaml; ``path`` is for messages.

    ``services`` are the names of the services that there are here.

    Raises:
        OldSetupError: it is no such file, or of an old release.
    """
    document = read_yaml(content, path)
    schema = document.text("schema_version")
    if not schema.isascii() or not schema.isdigit() or len(schema) > 4:
        raise OldSetupError(f"{path}: no schema_version; expected an AdGuardHome.yaml")
    if int(schema) < _FIRST_SCHEMA:
        raise OldSetupError(
            f"{path}: schema_version {schema} is too old. Start AdGuard Home 0.107.37 or newer "
            "with the file once, which writes it anew"
        )
    return _Reader(document, services).read()


class _Reader:
    """Reads one document."""

    def __init__(self, document: Table, services: Collection[str]) -> None:
        self._document = document
        self._filtering = document.table("filtering")
        self._services = services
        self._setup = OldSetup("AdGuard Home")

    def read(self) -> OldSetup:
        setup, dns = self._setup, self._document.table("dns")
        setup.upstream = read_upstreams(setup, dns.texts("upstream_dns"), "")
        if dns.text("upstream_dns_file"):
            setup.leave("upstream_dns_file: the file is not read; name its servers in [upstream]")
        if not setup.upstream:
            setup.leave("no upstream server of all names came over: --upstream names others")
        setup.bootstrap = read_bootstrap(setup, dns.texts("bootstrap_dns"))
        if fallback := dns.texts("fallback_dns"):
            setup.leave(
                f"fallback_dns {', '.join(fallback)}: [upstream] fallback is asked only while the "
                "link abroad is cut"
            )
        read_rewrites(setup, self._filtering)
        self._rules = self._rules_of_all()
        self._blocked = self._services_of(self._filtering, "blocked_services")
        is_filtering = self._filtering.is_true("filtering_enabled", otherwise=True)
        setup.default = self._policy(filters=is_filtering, blocked=self._blocked)
        for client in self._document.table("clients").tables("persistent"):
            self._add_client(client, is_filtering=is_filtering)
        self._leave_the_rest()
        self._count()
        return setup

    def _rules_of_all(self) -> OldPolicy:
        """The lists and the user rules."""
        setup, lists = self._setup, []
        for block_list in self._document.tables("filters"):
            url = block_list.text("url")
            if block_list.is_true("enabled"):
                name = setup.add_list(
                    url, guessed_format(url, "adblock"), block_list.text("name") or url
                )
                lists += [name] if name else []
        for allow_list in self._document.tables("whitelist_filters"):
            if allow_list.is_true("enabled"):
                setup.leave(
                    f"allow list {allow_list.text('url')}: here an exception acts within its own "
                    "list alone"
                )
        if lists:
            setup.leave(
                "the format of each list is guessed from its address: where it is another, the "
                "list is refused or its lines are skipped, and its names pass. See: darban lists"
            )
        allow, deny = read_user_rules(setup, self._document.texts("user_rules"))
        allow = list(dict.fromkeys(allow))
        return OldPolicy(tuple(allow), denied(deny, allow), tuple(lists))

    def _services_of(
        self, table: Table, whose: str
    ) -> tuple[tuple[str, ...], tuple[OldDuring, ...]]:
        """The services that are blocked at all hours, and those that are for a part of the week."""
        blocked, names = table.table("blocked_services"), []
        for service in blocked.texts("ids"):
            name = _OTHER_NAMES.get(service, service)
            if name in self._services:
                names.append(name)
            else:
                self._setup.leave(f"{whose}: {service} is no service here; its names pass")
        services = tuple(dict.fromkeys(names))
        during = read_schedule(self._setup, blocked.table("schedule"), services, whose)
        return ((), during) if during else (services, ())

    def _policy(
        self,
        *,
        filters: bool,
        blocked: tuple[tuple[str, ...], tuple[OldDuring, ...]],
        upstream: tuple[str, ...] = (),
    ) -> OldPolicy:
        rules = self._rules if filters else OldPolicy()
        services, during = blocked
        is_enforced = self._filtering.is_true("protection_enabled", otherwise=True)
        return replace(
            rules,
            services=services,
            during=during,
            upstream=upstream,
            enforced=is_enforced,
            answer=_ANSWERS.get(self._filtering.text("blocking_mode"), ""),
        )

    def _add_client(self, client: Table, *, is_filtering: bool) -> None:
        name = client.text("name")
        whose = f"client {name}"
        prefixes = self._prefixes(client, whose)
        for key in sorted(client.keys() - _OF_CLIENT):
            self._setup.leave(f"{whose}: the key {key} is unknown")
        if not client.is_true("use_global_settings"):
            is_filtering = client.is_true("filtering_enabled")
            self._leave_checks(client, whose)
        blocked = self._blocked
        if not client.is_true("use_global_blocked_services"):
            blocked = self._services_of(client, whose)
        upstream = read_upstreams(self._setup, client.texts("upstreams"), whose)
        if not is_filtering and self._setup.local:
            self._setup.leave(f"{whose}: filtering is off, but rewrites are for all clients here")
        if prefixes:
            policy = self._policy(filters=is_filtering, blocked=blocked, upstream=tuple(upstream))
            taken = {clients.name for clients in self._setup.clients}
            self._setup.clients.append(OldClients(unique(label(name), taken), prefixes, policy))

    def _prefixes(self, client: Table, whose: str) -> tuple[Network, ...]:
        known = {
            known_prefix for clients in self._setup.clients for known_prefix in clients.prefixes
        }
        prefixes = []
        for text in client.texts("ids"):
            network = prefix(text)
            if network is None:
                self._setup.leave(
                    f"{whose}: {text}: here a client is known by its address. It has the policy of "
                    "its address's VLAN. Give it a fixed address in DHCP, and a VLAN"
                )
            elif network in known or network.is_link_local:
                self._setup.leave(f"{whose}: {text}: a second time, or link-local; left out")
            else:
                prefixes.append(network)
                known.add(network)
        return tuple(prefixes)

    def _leave_checks(self, table: Table, whose: str) -> None:
        """Safe search, safe browsing and parental control."""
        checks = (
            ("safe search", table.table("safe_search").is_true("enabled")),
            ("safe browsing", table.is_true("safebrowsing_enabled")),
            ("parental control", table.is_true("parental_enabled")),
        )
        for what, is_on in checks:
            if is_on:
                self._setup.leave(f"{whose}: {what} does not exist here")

    def _leave_the_rest(self) -> None:
        self._leave_checks(self._filtering, "filtering")
        mode = self._filtering.text("blocking_mode")
        if mode not in ("", "default", "null_ip", *_ANSWERS):
            self._setup.leave(
                f"blocking_mode {mode}: see 'answer' of a policy; here it is 0.0.0.0 and ::"
            )
        if self._document.table("dhcp").is_true("enabled"):
            self._setup.leave("DHCP: another program does that, such as Kea")
        if self._document.table("tls").is_true("enabled"):
            self._setup.leave("tls: [server.tls] has the certificate, docs/how-to/encrypted-dns.md")
        dns = self._document.table("dns")
        if (rate := dns.text("ratelimit")) not in ("", "0"):
            self._setup.leave(
                f"dns.ratelimit {rate} queries a second: here the limit is [limits] "
                "queries_per_address"
            )
        if bogus := dns.texts("bogus_nxdomain"):
            self._setup.leave(
                f"dns.bogus_nxdomain {', '.join(bogus)}: an answer with these addresses is passed "
                "on here, and is no NXDOMAIN"
            )
        for key in ("allowed_clients", "disallowed_clients", "blocked_hosts"):
            if dns.texts(key) and dns.texts(key) != ["version.bind", "id.server", "hostname.bind"]:
                self._setup.leave(f"dns.{key}: clients of no VLAN are refused here; others are not")

    def _count(self) -> None:
        setup, rules = self._setup, self._rules
        setup.came += [
            f"{count_text(len(rules.lists), 'list')}, {len(rules.allow)} allowed and "
            f"{count_text(len(rules.deny), 'denied name')}.",
            f"{count_text(len(setup.clients), 'client')} with an address, a VLAN each.",
            f"{count_text(len(setup.local), 'rewritten name')}, "
            f"{count_text(len(setup.forward), 'forwarded zone')}, "
            f"{count_text(len(setup.upstream), 'upstream server')}.",
        ]
        if not self._filtering.is_true("protection_enabled", otherwise=True):
            setup.came.append("Protection was off: the policies count, and block nothing.")
        if self._blocked != ((), ()) or any(clients.policy.services for clients in setup.clients):
            setup.came.append(
                "Blocked services, by name: the names of each are those of Darban's lists."
            )
