"""The startup banner: what the operator sees when the server has started."""

from collections.abc import Iterable, Iterator
from typing import assert_never

from resolver import __version__, build
from resolver.compiler.compilation_result import Accepted
from resolver.metrics.served_config import ServedConfig
from resolver.policy.clauses import BLOCKING, RESTRICTING, Action
from resolver.policy.compiled import CompiledConfig
from resolver.policy.description import (
    DefaultEntry,
    PolicyDescription,
    RuleEntry,
    ServiceEntry,
    describe,
)
from resolver.system.english import count_text
from resolver.upstream.addresses import system_servers


def startup_banner(config: ServedConfig, workers: int, accepted: Accepted) -> Iterator[str]:
    """The lines of the banner."""
    compiled, settings = config.compiled, config.compiled.settings
    plain = (settings.listen, settings.redirected, settings.proxied)
    listen, redirected, proxied = (", ".join(map(str, endpoints)) for endpoints in plain)
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
    restricted = (entry for policy in policies for entry in policy.restricted)
    services = list({entry.service for entry in restricted if isinstance(entry, ServiceEntry)})
    services.sort(key=lambda service: (service.category != "messenger", service.name))
    return ", ".join(f"{s.name} {s.entries}" for s in services) or "none is blocked"


def _upstreams(compiled: CompiledConfig) -> str:
    """The servers of the default group; the system's by their addresses."""
    texts = []
    for server in compiled.groups[0].servers:
        if server.kind == "system":
            addresses = ", ".join(server.address for server in system_servers(compiled.settings))
            texts.append(f"system ({addresses or 'none'})")
        else:
            texts.append(str(server))
    return ", ".join(texts)


def _restricts(policy: PolicyDescription) -> str:
    """What a policy blocks and counts."""
    parts = [_what(policy, does) for does in RESTRICTING]
    return ", ".join(part for part in parts if part) or "blocks nothing"


def _what(policy: PolicyDescription, does: Action) -> str:
    """To which names a policy does something; empty where there are none."""
    names, services, hourly = 0, 0, 0
    for entry in (candidate for candidate in policy.entries if candidate.does is does):
        match entry:
            case ServiceEntry(service=service, hours=hours):
                names += service.entries
                services += 1
                hourly += bool(hours)
            case RuleEntry():
                names += 1
            case DefaultEntry():
                blocks_more = any(other.does in BLOCKING for other in policy.entries)
                only_others = does not in BLOCKING and blocks_more
                rest = "all other names" if only_others else "all names that it does not allow"
                return f"{_verb(does)} {rest}"
            case _:
                assert_never(entry)
    if not names:
        return ""
    some = f", {hourly:,} of them at some hours" if hourly else ""
    of_services = count_text(services, "service")
    return f"{_verb(does)} {count_text(names, 'name')} of {of_services}{some}"


def _verb(does: Action) -> str:
    match does:
        case Action.PASS:
            return "passes"
        case Action.BLOCK:
            return "blocks"
        case Action.COUNT:
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
