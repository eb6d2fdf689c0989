"""Services as a config refers to them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import assert_never

from resolver.policy.clauses import Action
from resolver.policy.compiled import Service
from resolver.policy.description import DefaultEntry, PolicyDescription, RuleEntry, ServiceEntry


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
    rules: list[str] = []
    services: list[Service] = []
    for entry in policy.entries:
        match entry:
            case RuleEntry(does=Action.PASS, text=text):
                rules.append(text)
            case ServiceEntry(does=Action.PASS, service=service):
                services.append(service)
            case RuleEntry() | ServiceEntry() | DefaultEntry():
                pass
            case _:
                assert_never(entry)
    return *rules, *service_references(services, all_services)
