"""What is allowed and probably not meant: warnings, each with its consequence and its code.

The config acknowledges a warning by its code, ``KIND:NAME``, or all of a kind by ``KIND``. The
name is that of the VLAN, the policy, the hours, the exemption or the unread list; other warnings
have none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from resolver.config.hours_model import clock_text
from resolver.config.model import Config, VlanConfig
from resolver.config.network_values import SocketAddress
from resolver.config.policy_model import PolicyConfig
from resolver.config.problems import Problem, one_of, toml_text
from resolver.config.provenance import Provenance
from resolver.config.toml_lines import Path
from resolver.config.values import Address, Network
from resolver.policy.answers import MODES
from resolver.policy.moment import ended
from resolver.policy.prefixes import host_capacity
from resolver.system.english import count_text, moment_text
from resolver.system.time_zones import zone_or_utc

ENCRYPTED_DNS = "@encrypted-dns"

Warnings = Iterator[tuple[Path, str, str, str]]
"""Of each: the value's path, what was found, what is expected, and advice."""


def check(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Every warning about a config that takes no clock and no list."""
    for kind, find in _CHECKS.items():
        for path, text, expected, advice in find(config, provenance):
            code = code_of(kind, path, config)
            yield provenance.problem(path, text, expected, advice, "warning", code)


def of_exemptions(config: Config, provenance: Provenance, wall: float) -> Iterator[Problem]:
    """Warnings about exemptions that have ended, or end late; ``wall`` is now, as Unix time."""
    zone = zone_or_utc(config.report.time_zone)
    for place, exemption in enumerate(config.exemptions):
        path = ("exemptions", place, "until")
        until = moment_text(exemption.until.timestamp(), zone, "seconds")
        if ended(exemption.until.timestamp(), wall):
            gone = f"Exemption {exemption.id} has ended and permits nothing"
            advice = f"{gone}; 'darban exempt --prune' removes it."
            yield provenance.problem(path, until, "a moment to come", advice, "warning")
        elif not ended(exemption.until.timestamp(), wall + _LONG_DAYS * 86400):
            expected = f"a moment within {_LONG_DAYS} days"
            advice = "Who is to use a service for good needs another policy, and not an exemption."
            code = code_of(LONG_EXEMPTION, path, config)
            yield provenance.problem(path, until, expected, advice, "warning", code)


def code_of(kind: str, path: Path, config: Config) -> str:
    """The code of a warning about a value of the config."""
    match path:
        case ("vlans" | "policies" | "directives" | "hours", str(name), *_):
            return f"{kind}:{name}"
        case ("exemptions", int(place), *_):
            return f"{kind}:{config.exemptions[place].id}"
        case _:
            return kind


def unacknowledged(problems: Iterable[Problem], config: Config) -> list[Problem]:
    """The problems without the warnings that the config acknowledges."""
    known = set(config.warnings.acknowledged)
    return [
        problem
        for problem in problems
        if not (problem.code and known & {problem.code, problem.code.partition(":")[0]})
    ]


def _vlans_without_ipv6(config: Config, provenance: Provenance) -> Warnings:
    """Where IPv6 is in use, IPv6 clients of a VLAN without an IPv6 prefix match another or none."""
    if not (_listens_on_ipv6(config) or any(map(_has_ipv6, config.vlans.values()))):
        return
    taken = "may be in no VLAN, and are then refused"
    for name, vlan in config.vlans.items():
        if any(prefix.version == 6 and not prefix.prefixlen for prefix in vlan.prefixes):
            taken = f"are in VLAN {name}, which has ::/0"
    for name, vlan in config.vlans.items():
        path = ("vlans", name, "prefixes")
        if all(prefix.version == 4 for prefix in vlan.prefixes) and provenance.whole(path):
            advice = f"Its clients that ask over IPv6 {taken}."
            yield path, "no IPv6 prefix", "one, since IPv6 is in use", advice


def _listens_on_ipv6(config: Config) -> bool:
    addresses = [endpoint.address for endpoint in config.server.listen]
    return any(address.version == 6 and not address.is_loopback for address in addresses)


def _has_ipv6(vlan: VlanConfig) -> bool:
    return any(prefix.version == 6 and not prefix.is_loopback for prefix in vlan.prefixes)


def _open_metrics(config: Config, _: Provenance) -> Warnings:
    listen = config.metrics.listen
    if not listen.address.is_loopback:
        advice = (
            "Everyone who reaches this address can read the counts, and the status page with "
            "the policies, the VLANs, the exemptions and how any name is answered."
        )
        yield ("metrics", "listen"), toml_text(str(listen)), "a loopback address", advice


def _trusted_ad(config: Config, _: Provenance) -> Warnings:
    """Warn of servers that are not on this host: anyone on the path can set AD in their answers."""
    upstreams = ((("upstreams", name), group) for name, group in config.upstreams.items())
    for path, group in ((("upstream",), config.upstream), *upstreams):
        far = [str(s) for s in group.servers if not s.is_loopback and not s.tls_name]
        if group.trust_ad and far:
            advice = f"Whoever is on the path to {', '.join(far)} can make up AD."
            expected = "servers on this host, such as 127.0.0.1:5335"
            yield (*path, "trust_ad"), "true", expected, advice


def _refused_answers(config: Config, _: Provenance) -> Warnings:
    for name, policy in config.policies.items():
        if advice := MODES[policy.answer].advice_against:
            others = [mode for mode, answers in MODES.items() if not answers.advice_against]
            path = ("policies", name, "answer")
            yield path, toml_text(policy.answer), one_of(others), advice


def _logged_addresses(config: Config, _: Provenance) -> Warnings:
    if config.block_log.enabled and config.block_log.client == "address":
        advice = (
            "Each line then says which computer, and so which person, asked for what. Keep that "
            "only on an order in writing and no longer than it asks for, and tell those concerned."
        )
        yield ("block_log", "client"), '"address"', "vlan or prefix", advice


def _sinkholes_without_page(config: Config, provenance: Provenance) -> Warnings:
    """A browser that is sent to an address where no server answers waits for a timeout."""
    if not provenance.whole(("block_page",)):
        return
    for name, policy in _sinkholes(config):
        for index, address in enumerate(policy.sinkhole):
            ours = any(_accepts(endpoint, address) for endpoint in config.block_page.listen)
            if not ours and not address.is_unspecified and not address.is_loopback:
                path = ("policies", name, "sinkhole", index)
                advice = "Unless another server answers there, browsers wait in vain."
                text = toml_text(str(address))
                yield path, text, "an address in [block_page] listen", advice


def _sinkholes(config: Config) -> Iterator[tuple[str, PolicyConfig]]:
    """The policies that answer with their sinkhole's addresses."""
    denying = {vlan.policy for vlan in config.vlans.values() if vlan.deny}
    for name, policy in config.policies.items():
        if (policy.restricts or name in denying) and MODES[policy.answer].has_addresses:
            yield name, policy


def _accepts(endpoint: SocketAddress, address: Address) -> bool:
    """Whether a connection to an address gets to an endpoint; a wildcard takes all."""
    if endpoint.address.is_unspecified:
        return endpoint.address.version == address.version and not address.is_unspecified
    return endpoint.address == address


def _unblocked_encrypted_dns(config: Config, provenance: Provenance) -> Warnings:
    for name, policy in config.policies.items():
        path = ("policies", name, "block")
        blocks = policy.default != "block" and (policy.block or policy.deny)
        if blocks and ENCRYPTED_DNS not in policy.block and provenance.whole(path):
            expected = "it in a policy that blocks anything"
            advice = "Browsers go around the policy by DNS over HTTPS."
            yield path, f"no {ENCRYPTED_DNS}", expected, advice


def _half_exempted(config: Config, provenance: Provenance) -> Warnings:
    """A client of a VLAN with both address families asks over the other one as well."""
    for place, exemption in enumerate(config.exemptions):
        path = ("exemptions", place, "prefixes")
        if any(prefix.version == 6 for prefix in exemption.prefixes) or not provenance.whole(path):
            continue
        for name, vlan in config.vlans.items():
            if _has_ipv6(vlan) and any(
                prefix.overlaps(vlan_prefix)
                for prefix in exemption.prefixes
                for vlan_prefix in vlan.prefixes
            ):
                advice = f"VLAN {name} has IPv6, over which its clients stay blocked."
                expected = "the clients' IPv6 prefixes as well"
                yield path, "only IPv4 prefixes", expected, advice
                break


def _small_vlans(config: Config, _: Provenance) -> Warnings:
    """Warn of VLANs whose counts tell what a few people did; this host is none of them."""
    smallest = config.report.smallest
    for name, vlan in config.vlans.items():
        hosts = host_capacity(vlan.prefixes)
        if hosts < smallest and not all(prefix.is_loopback for prefix in vlan.prefixes):
            expected = f"prefixes that hold {smallest} addresses or more"
            advice = "The counts of this VLAN say what so few people asked for."
            yield (
                ("vlans", name, "prefixes"),
                count_text(hosts, "address", "addresses"),
                expected,
                advice,
            )


def _open_vlans(config: Config, _: Provenance) -> Warnings:
    for name, vlan in config.vlans.items():
        for index, prefix in enumerate(vlan.prefixes):
            if prefix.prefixlen == 0:
                path = ("vlans", name, "prefixes", index)
                advice = "Every address that no other VLAN holds is in this one, and is answered."
                yield path, toml_text(str(prefix)), "the prefixes of its clients", advice


def _untested_policies(config: Config, provenance: Provenance) -> Warnings:
    """An expectation for a policy that no VLAN has holds whatever the policy does."""
    used = {vlan.policy for vlan in config.vlans.values()}
    for place, expect in enumerate(config.expect):
        if expect.policy is not None and expect.policy not in used and provenance.whole(("vlans",)):
            text, expected = toml_text(expect.policy), "a policy that a VLAN has"
            advice = "No VLAN has this one, so the expectation tests nothing."
            yield ("expect", place, "policy"), text, expected, advice


def _long_hours(config: Config, _: Provenance) -> Warnings:
    """Hours that are long may be those outside of which something was to be blocked."""
    for name, hours in config.hours.items():
        over_midnight = hours.to <= hours.from_
        length = hours.to - hours.from_ + (86400 if over_midnight else 0)
        if length <= _LONG_HOURS * 3600 or (not hours.from_ and length == 86400):
            continue
        minutes = f" {length // 60 % 60} min" if length % 3600 else ""
        begin, end = toml_text(clock_text(hours.from_)), toml_text(clock_text(hours.to))
        text = f"{end}, {length // 3600} h{minutes} after {begin}"
        expected = f'a time up to {_LONG_HOURS} h later, or a whole day from "00:00" to "24:00"'
        advice = 'To block for the rest of the time, name shorter hours as "outside".'
        next_day = "They end on the next day. " if over_midnight else ""
        yield ("hours", name, "to"), text, expected, next_day + advice


def _nested_open_vlans(config: Config, _: Provenance) -> Warnings:
    """A VLAN where all passes within one whose policy blocks: a client may take its addresses."""
    policies = config.policies
    enforced = {name: policy for name, policy in policies.items() if policy.mode == "enforce"}
    closed = {
        name: [prefix for prefix in vlan.prefixes if prefix.prefixlen]
        for name, vlan in config.vlans.items()
        if vlan.policy in enforced and (vlan.deny or enforced[vlan.policy].restricts)
    }
    for name, vlan in config.vlans.items():
        if name in closed or vlan.policy not in policies:
            continue
        for index, prefix in enumerate(vlan.prefixes):
            for outer in (other for other in closed if _is_within(prefix, closed[other])):
                path = ("vlans", name, "prefixes", index)
                expected = f"a prefix outside of VLAN {outer}, whose policy blocks"
                advice = "If both are on one link, a client evades that policy by its address."
                yield path, toml_text(str(prefix)), expected, advice


def _is_within(inner: Network, prefixes: Iterable[Network]) -> bool:
    """Whether one of the prefixes holds all of a network."""
    return any(outer.prefixlen <= inner.prefixlen and outer.overlaps(inner) for outer in prefixes)


ABSENT_ADDRESS = "absent-address"
"""This host lacks an address to listen on: of ``darban check``, which looks."""
CERTIFICATE_ADDRESS = "certificate-address"
CERTIFICATE_NAME = "certificate-name"
FROM_MEDIUM = "lists-from-medium"
"""Lists from a medium are read, and those of the release have changed: of the compiler."""
LONG_EXEMPTION = "long-exemption"
MISSING_RANGES = "missing-ranges"
"""Lists lack a file of addresses that the release has for them (``analysis.missing_ranges``)."""
OVER_LIMIT = "exemption-over-limit"
"""An exemption that was in force before [exemption_limits]: of the compiler, which knows that."""
PAST_HOLIDAYS = "past-holidays"
"""All holidays of some hours are over: of the compiler, which has the time zones."""
UNREAD_LIST = "unread-list"
_LONG_DAYS = 90
_LONG_HOURS = 16

_CHECKS: Mapping[str, Callable[[Config, Provenance], Warnings]] = {
    "no-ipv6": _vlans_without_ipv6,
    "open-vlan": _open_vlans,
    "small-vlan": _small_vlans,
    "nested-open-vlan": _nested_open_vlans,
    "long-hours": _long_hours,
    "open-metrics": _open_metrics,
    "trusted-ad": _trusted_ad,
    "refused-answers": _refused_answers,
    "logged-addresses": _logged_addresses,
    "sinkhole-without-page": _sinkholes_without_page,
    "no-encrypted-dns": _unblocked_encrypted_dns,
    "half-exempted": _half_exempted,
    "untested-policy": _untested_policies,
}
