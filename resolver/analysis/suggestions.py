"""Names that clients ask for, beside names that their policy blocks: what a list may lack.

A service gets new hosts every month. Where a policy blocks some names of a domain, and clients ask
for other names of the same owner that pass, a person should decide whether these belong to the
service. Nothing is decided here: shared domains such as google.com have many names that must pass.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from resolver.analysis.explanation import Explainer
from resolver.analysis.queries.query import Question
from resolver.dns import codes, names
from resolver.lists.guard import registrable_domain
from resolver.policy.index import Index
from resolver.policy.verdict import Outcome
from resolver.policy.view import View

DENY = "deny"
"""Instead of a service, where a policy's own rules block names."""


class Suggestion(NamedTuple):
    """The names of one registrable domain that pass on a VLAN, where others are blocked."""

    vlan: str
    domain: str
    blocked_by: tuple[str, ...]
    """The services that have blocked names there; ``deny`` for the policy's own rules."""
    queries: Counter[str]
    """By name, the most frequent first."""


def suggestions(
    explainer: Explainer, index: Index, counts: Mapping[Question, int]
) -> list[Suggestion]:
    """What to look at in a recording, by VLAN; the domains with the most queries first."""
    by_domain: dict[tuple[str, bytes], Counter[bytes]] = defaultdict(Counter)
    for (who, name, _), times in counts.items():
        domain = registrable_domain(name)
        if domain is not None and who.vlan:
            by_domain[who.vlan, domain][name] += times
    suggested = []
    for (vlan, domain), queries in by_domain.items():
        view = explainer.vlan(vlan)
        blocked_by = tuple(_blocking(explainer, index, view, domain)) if view else ()
        if view is None or not blocked_by:
            continue
        passing = [
            (names.text(name), times)
            for name, times in queries.items()
            if _is_uncovered(explainer, index, view, name)
        ]
        if passing:
            passing.sort(key=lambda item: (-item[1], item[0]))
            suggested.append(
                Suggestion(vlan, names.text(domain), blocked_by, Counter(dict(passing)))
            )
    return sorted(
        suggested,
        key=lambda suggestion: (suggestion.vlan, -suggestion.queries.total(), suggestion.domain),
    )


def _blocking(explainer: Explainer, index: Index, view: View, domain: bytes) -> Iterator[str]:
    """The services of which a policy blocks names in a domain.

    Without canary names, which say nothing about the other names of their domain.
    """
    compiled = explainer.compiled
    rules = (rule for rule in index.rules_within(domain) if not rule.exception)
    services = {compiled.sources[rule.source].service for rule in rules}
    for place in sorted(services):
        if view.effect.restricted >> place & 1 and not compiled.services[place].always_nxdomain:
            yield compiled.services[place].name
    if any(names.is_within(rule.name, domain) for rule in view.effect.own_rules.restricted):
        yield DENY


def _is_uncovered(explainer: Explainer, index: Index, view: View, name: bytes) -> bool:
    """Whether a name passes only since no rule covers it: no exception, ``allow`` or local data."""
    verdict, is_final = explainer.verdict(view, name, codes.A)
    if verdict.outcome is not Outcome.PASSED or is_final:
        return False
    return not any(rule.exception for rule in index.match(name))
