"""What is allowed and probably not meant: warnings, each with what happens otherwise."""

from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address

from resolver.config.model import Config, ExemptionConfig, PolicyConfig, VlanConfig
from resolver.config.problems import Problem, toml_text
from resolver.config.provenance import ANY, Provenance
from resolver.config.values import Address, SocketAddress

ENCRYPTED_DNS = "@encrypted-dns"

_HTTP_PORT = 80


def check(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Every warning about a config."""
    yield from _without_ipv6(config, provenance)
    yield from _open_metrics(config, provenance)
    yield from _refusals(config, provenance)
    yield from _logged_people(config, provenance)
    yield from _where_nobody_is_led(config, provenance)
    yield from _where_no_page_is(config, provenance)
    yield from _ways_around(config, provenance)
    yield from _half_exempted(config, provenance)
    if provenance.merged.complete:
        yield from _unused_policies(config, provenance)


def _without_ipv6(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Where IPv6 is in use, clients of a VLAN without an IPv6 prefix would match no VLAN."""
    if not (_listens_on_ipv6(config) or any(map(_has_ipv6, config.vlans.values()))):
        return
    for name, vlan in config.vlans.items():
        path = ("vlans", name, "prefixes")
        if all(prefix.version == 4 for prefix in vlan.prefixes) and provenance.whole(path):
            advice = "Its clients that ask over IPv6 match no VLAN and are refused."
            expected = "one, since IPv6 is in use"
            yield provenance.problem(path, "no IPv6 prefix", expected, advice, "warning")


def _listens_on_ipv6(config: Config) -> bool:
    addresses = [ip_address(endpoint.address) for endpoint in config.server.listen]
    return any(isinstance(each, IPv6Address) and not each.is_loopback for each in addresses)


def _has_ipv6(vlan: VlanConfig) -> bool:
    return any(prefix.version == 6 and not prefix.is_loopback for prefix in vlan.prefixes)


def _open_metrics(config: Config, provenance: Provenance) -> Iterator[Problem]:
    listen = config.metrics.listen
    if not ip_address(listen.address).is_loopback:
        expected = "a loopback address"
        advice = "Everyone who reaches this address can read the counts."
        path = ("metrics", "listen")
        yield provenance.problem(path, toml_text(str(listen)), expected, advice, "warning")


def _refusals(config: Config, provenance: Provenance) -> Iterator[Problem]:
    for name, policy in config.policies.items():
        if policy.answer == "refused":
            expected = "sinkhole, nxdomain or nodata"
            advice = "On REFUSED systemd-resolved asks another server."
            path = ("policies", name, "answer")
            yield provenance.problem(path, '"refused"', expected, advice, "warning")


def _where_nobody_is_led(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """A block page is seen only by those whose policy answers with its address."""
    if not provenance.whole(("policies",)):
        return
    led = [address for _, policy in _sinkholes(config) for address in policy.sinkhole]
    for index, endpoint in enumerate(config.block_page.listen):
        path = ("block_page", "listen", index)
        found = toml_text(str(endpoint))
        if endpoint.port != _HTTP_PORT:
            advice = "Browsers ask port 80."
            yield provenance.problem(path, found, f"port {_HTTP_PORT}", advice, "warning")
        if not any(_serves(endpoint, address) for address in led):
            expected = "an address in the sinkhole of a policy"
            advice = "Nobody is led to the block page there."
            yield provenance.problem(path, found, expected, advice, "warning")


def _where_no_page_is(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """A browser that is led to an address where nobody answers leaves people waiting."""
    if not provenance.whole(("block_page",)):
        return
    for name, policy in _sinkholes(config):
        for index, address in enumerate(policy.sinkhole):
            ours = any(_serves(endpoint, address) for endpoint in config.block_page.listen)
            if not ours and not address.is_unspecified and not address.is_loopback:
                path = ("policies", name, "sinkhole", index)
                expected = "an address in [block_page] listen"
                advice = "Unless another server answers there, browsers wait in vain."
                yield provenance.problem(path, toml_text(str(address)), expected, advice, "warning")


def _sinkholes(config: Config) -> Iterator[tuple[str, PolicyConfig]]:
    """The policies that answer with their sinkhole's addresses."""
    for name, policy in config.policies.items():
        if policy.answer == "sinkhole" and (policy.block or policy.deny):
            yield name, policy


def _serves(endpoint: SocketAddress, address: Address) -> bool:
    """Whether who connects to an address gets to an endpoint; a wildcard takes all."""
    listening = ip_address(endpoint.address)
    if listening.is_unspecified:
        return listening.version == address.version and not address.is_unspecified
    return listening == address


def _logged_people(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """What the operator has to know who logs addresses."""
    if config.block_log.enabled and config.block_log.client == "address":
        advice = (
            "Each line then says which computer, and so which person, asked for what. Keep that "
            "only on an order in writing and no longer than it asks for, and tell those concerned."
        )
        path = ("block_log", "client")
        yield provenance.problem(path, '"address"', "vlan or prefix", advice, "warning")


def _ways_around(config: Config, provenance: Provenance) -> Iterator[Problem]:
    for name, policy in config.policies.items():
        path = ("policies", name, "block")
        blocks = policy.block or policy.deny
        if blocks and ENCRYPTED_DNS not in policy.block and provenance.whole(path):
            found = f"no {ENCRYPTED_DNS}"
            expected = "it in a policy that blocks anything"
            advice = "Browsers go around the policy by DNS over HTTPS."
            yield provenance.problem(path, found, expected, advice, "warning")


def _half_exempted(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """A client of a VLAN with both families asks over the other one as well."""
    for place, exemption in enumerate(config.exemptions):
        path = ("exemptions", place, "prefixes")
        if any(prefix.version == 6 for prefix in exemption.prefixes) or not provenance.whole(path):
            continue
        for name, vlan in config.vlans.items():
            if _has_ipv6(vlan) and _meet(vlan, exemption):
                advice = f"VLAN {name} has IPv6, over which its clients stay blocked."
                found, expected = "only IPv4 prefixes", "the clients' IPv6 prefixes as well"
                yield provenance.problem(path, found, expected, advice, "warning")
                break


def _meet(vlan: VlanConfig, exemption: ExemptionConfig) -> bool:
    return any(
        prefix.version == own.version and prefix.overlaps(own)
        for prefix in exemption.prefixes
        for own in vlan.prefixes
    )


def _unused_policies(config: Config, provenance: Provenance) -> Iterator[Problem]:
    """Silent while a VLAN names a policy that there is none of: it may mean this one."""
    used = [policy for _, policy in provenance.merged.matching(("vlans", ANY, "policy"))]
    if not all(policy in provenance.merged.names("policies") for policy in used):
        return
    for name in config.policies:
        if name not in used:
            path = ("policies", name)
            found = "a policy that no VLAN uses"
            yield provenance.problem(path, found, "a VLAN that names it", severity="warning")
