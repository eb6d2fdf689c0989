"""Services as a config refers to them."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from resolver.policy.compiled import Service
from resolver.policy.description import PolicyDescription


def service_references(
    services: Iterable[Service], all_services: Iterable[Service]
) -> tuple[str, ...]:
    """Services by their names, and a whole category as ``@category``."""
    sizes = Counter(service.category for service in all_services)
    by_category: dict[str, list[str]] = defaultdict(list)
    for service in services:
        by_category[service.category].append(service.name)
    references: list[str] = []
    for category, names in by_category.items():
        references += [f"@{category}"] if len(names) == sizes[category] else names
    return tuple(references)


def allowed_references(
    policy: PolicyDescription, all_services: Iterable[Service]
) -> tuple[str, ...]:
    """The rules, the services and the categories in the ``allow`` of a policy."""
    return *policy.allowed, *service_references(policy.open_services, all_services)
