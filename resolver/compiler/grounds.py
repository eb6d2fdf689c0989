"""The ground of each block: the directive that covers the service, and its citation.

A directive is cited only for the services that it covers. All other blocks are the agency's own
decision, and are cited as such.
"""

from collections.abc import Mapping

from resolver.compiler.catalog import ServiceCatalog
from resolver.config.model import DirectiveConfig
from resolver.policy.compiled import AGENCY_POLICY, Ground
from resolver.policy.services import services_in


def grounds(
    directives: Mapping[str, DirectiveConfig], catalog: ServiceCatalog
) -> tuple[tuple[Ground, ...], tuple[int, ...]]:
    """The grounds of a policy, and for each service the place of its ground among them."""
    cited_grounds = [AGENCY_POLICY]
    of_service = [0] * len(catalog.services)
    for name, directive in directives.items():
        covered = catalog.known_members(directive.covers)
        for service in services_in(covered, range(len(of_service))):
            if not of_service[service]:
                of_service[service] = len(cited_grounds)
        if covered:
            cited_grounds.append(Ground(directive.number, _citation(name, directives)))
    return tuple(cited_grounds), tuple(of_service)


def _citation(name: str, directives: Mapping[str, DirectiveConfig]) -> str:
    cited = directives[name]
    text = f"directive {cited.number} ({cited.date})"
    for other in directives.values():
        if other.narrows == name:
            text += f", narrowed by {other.number} ({other.date})"
    return text
