"""The startup banner: what the operator sees when the server has started."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from resolver import __version__, build
from resolver.compiler.candidate import Accepted
from resolver.count_text import count_text
from resolver.metrics.served_config import ServedConfig
from resolver.policy.clauses import BLOCKING, RESTRICTING, Does
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import PolicyDescription, describe
from resolver.upstream.addresses import system_servers


def startup_banner(config: ServedConfig, workers: int, accepted: Accepted) -> Iterator[str]:
    """The lines of the banner."""
    compiled, settings = config.compiled, config.compiled.settings
    plain = (settings.listen, settings.redirected, settings.proxied)
    listen, redirected, proxied = (", ".join(map(str, each)) for each in plain)
    yield f"darban {__version__}, {build()}, snapshot {config.hash}"
    yield f"config     {config.file}: {_config_state(accepted)}"
    yield f"listening  {listen} (UDP and TCP), {count_text(workers, 'worker')}"
    if settings.tls is not None:
        yield f"TLS        {', '.join(map(str, settings.tls.listen))}"
    if redirected:
        yield f"redirected {redirected} (UDP and TCP), queries for other resolvers"
    if proxied:
        yield f"proxied    {proxied} (UDP and TCP), with PROXY headers"
    yield f"upstream   {_upstreams(compiled)}"
    yield f"metrics    http://{settings.metrics}/metrics"
    yield f"status     http://{settings.metrics}/"
    for endpoint in settings.block_page:
        yield f"blocked    http://{endpoint}/"
    policies = describe(compiled)
    for place, vlan in enumerate(compiled.vlans):
        prefixes = sum(prefix.owner == place for prefix in compiled.prefixes)
        policy = policies[vlan.policy]
        number = "" if vlan.id is None else f" ({vlan.id})"
        yield (
            f"VLAN       {vlan.name}{number}, {count_text(prefixes, 'prefix', 'prefixes')}: "
            f"policy {policy.name}, {_restricts(policy)}"
        )
    for hours in compiled.hours:
        yield f"hours      {hours.name}: {hours.text}"
    yield f"names      {_names(policies)}"
    if accepted.example:
        yield f"try        {accepted.example}"


def _names(policies: Iterable[PolicyDescription]) -> str:
    """Each service that some policy blocks, with its number of names, messengers first."""
    services = list({service for policy in policies for _, service in policy.on_services})
    services.sort(key=lambda service: (service.category != "messenger", service.name))
    return ", ".join(f"{s.name} {s.entries}" for s in services) or "none is blocked"


def _upstreams(compiled: CompiledConfig) -> str:
    """The servers of the default group; the system's by their addresses."""
    texts = []
    for server in compiled.groups[0].servers:
        if server.kind == "system":
            found = ", ".join(each.address for each in system_servers(compiled.settings))
            texts.append(f"system ({found or 'none'})")
        else:
            texts.append(str(server))
    return ", ".join(texts)


def _restricts(policy: PolicyDescription) -> str:
    """What a policy blocks and counts."""
    parts = [_what(policy, does) for does in RESTRICTING]
    return ", ".join(part for part in parts if part) or "blocks nothing"


def _what(policy: PolicyDescription, does: Does) -> str:
    """To which names a policy does something; empty where there are none."""
    entries = [each for each in policy.entries if each.does is does]
    if not entries:
        return ""
    if policy.unlisted is does:
        blocks_others = does not in BLOCKING and policy.blocked
        rest = "all other names" if blocks_others else "all names that it does not allow"
        return f"{_verb(does)} {rest}"
    names = count_text(sum(each.names for each in entries), "name")
    services = count_text(sum(each.service is not None for each in entries), "service")
    hourly = sum(bool(each.hours) for each in entries)
    some = f", {hourly:,} of them at some hours" if hourly else ""
    return f"{_verb(does)} {names} of {services}{some}"


def _verb(does: Does) -> str:
    match does:
        case Does.PASS:
            return "passes"
        case Does.BLOCK:
            return "blocks"
        case Does.COUNT:
            return "only counts"
        case _:
            assert_never(does)


def _config_state(accepted: Accepted) -> str:
    if accepted.last_good:
        return "NOT in force, for the reasons above; the last good snapshot is served"
    number = accepted.expectations
    verb = "holds" if number == 1 else "hold"
    expectations = f"{count_text(number, 'expectation')} {verb}" if number else "no expectations"
    return f"{expectations}, {count_text(len(accepted.warnings), 'warning')}"
