"""What the operator is told when the server has started: a few lines, each worth reading."""

from pathlib import Path

from resolver import __version__, build
from resolver.policy.compiled import Endpoint, Policy, Terms
from resolver.policy.services import services_in
from resolver.snapshot.candidate import Accepted
from resolver.upstream.addresses import system_servers


def startup_banner(config: Path, terms: Terms, workers: int, accepted: Accepted) -> list[str]:
    """What the operator is told when the server has started."""
    settings = terms.settings
    listen = ", ".join(str(endpoint) for endpoint in settings.listen)
    lines = [
        f"darban {__version__}, {build()}, snapshot {accepted.snapshot.name}",
        f"config     {config}: {_standing(accepted)}",
        f"listening  {listen} (UDP and TCP), {_many(workers, 'worker')}",
        f"upstream   {_upstreams(terms)}",
        f"metrics    http://{settings.metrics}/metrics",
        f"status     http://{settings.metrics}/",
    ]
    lines += [f"blocked    http://{endpoint}/" for endpoint in settings.block_page]
    for place, vlan in enumerate(terms.vlans):
        prefixes = sum(prefix.owner == place for prefix in terms.prefixes)
        policy = terms.policies[vlan.policy]
        number = "" if vlan.id is None else f" ({vlan.id})"
        what = _blocks(policy, terms)
        lines.append(
            f"VLAN       {vlan.name}{number}, {_many(prefixes, 'prefix', 'prefixes')}: "
            f"policy {policy.name}, {what}"
        )
    lines.append(f"names      {_names(terms)}")
    if accepted.example:
        lines.append("try        " + accepted.example)
    return lines


def _names(terms: Terms) -> str:
    """How many names each service has that some policy blocks, messengers first."""
    blocked = 0
    for policy in terms.policies:
        blocked |= policy.blocks
    services = sorted(
        services_in(blocked, terms.services),
        key=lambda service: (service.category != "messenger", service.name),
    )
    return ", ".join(f"{s.name} {s.entries}" for s in services) or "none is blocked"


def _upstreams(terms: Terms) -> str:
    """The servers of the default group, the system's by their addresses."""
    told = []
    for server in terms.groups[0].servers:
        if server.kind == "system":
            found = ", ".join(each.address for each in system_servers(terms.settings))
            told.append(f"system ({found or 'none'})")
        else:
            told.append(str(Endpoint(server.host, server.port)))
    return ", ".join(told)


def _blocks(policy: Policy, terms: Terms) -> str:
    services = list(services_in(policy.blocks, terms.services))
    names = sum(service.entries for service in services)
    denied = sum(not rule.allow for rule in policy.own)
    if not services and not denied:
        return "blocks nothing"
    verb = "blocks" if policy.enforce else "only counts (audit)"
    return f"{verb} {_many(names + denied, 'name')} of {_many(len(services), 'service')}"


def _standing(accepted: Accepted) -> str:
    if accepted.last_good:
        return "NOT in force, for the reasons above; this is the last good snapshot"
    return f"{_held(accepted.expectations)}, {_many(len(accepted.warnings), 'warning')}"


def _held(expectations: int) -> str:
    if not expectations:
        return "no expectations"
    return "1 expectation holds" if expectations == 1 else f"{expectations} expectations hold"


def _many(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
