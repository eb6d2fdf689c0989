"""Warnings about files of addresses of the release that a config's lists lack.

Where somebody has copied a list of names without its ranges, nothing fails: names are blocked, and
feeds and firewall rules lack the addresses. Where the lists were copied before there was a
``national.filter``, what the filter answers is taken for answers.
"""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from resolver.config.problems import Problem
from resolver.config.warnings import MISSING_RANGES
from resolver.policy.clauses import BLOCKING
from resolver.policy.compiled import CompiledConfig
from resolver.policy.services import union

SHIPPED: Final = ("encrypted-dns.firewall", "line.firewall", "telegram.ip", "viber.firewall")
"""The files of address ranges in ``blocklists``."""
OF_FILTER: Final = "national.filter"


def missing_ranges(compiled: CompiledConfig) -> Iterator[Problem]:
    """A warning for each list of a blocked service that lacks its ranges; one for the filter's."""
    blocked = union(policy.services(*BLOCKING) for policy in compiled.policies)
    by_name = {
        PurePath(source.file).name: source for source in compiled.sources if not source.of_others
    }
    with_ranges = [(name, by_name.get(f"{PurePath(name).stem}.txt")) for name in SHIPPED]
    of_release = [names for _, names in with_ranges if names is not None]
    if of_release and not compiled.filter_ranges:
        actual, expected = "no addresses of the national filter", f"{OF_FILTER}, as in the release"
        advice = "Its answers count as passed: copy the file from the release's blocklists."
        file, code = str(PurePath(of_release[0].file).parent), f"{MISSING_RANGES}:{OF_FILTER}"
        yield Problem("warning", file, None, "", actual, expected, advice, code)
    for name, names in with_ranges:
        if names is not None and name not in by_name and blocked >> names.service & 1:
            actual, expected = "no address ranges", "a file of them beside it, as in the release"
            advice = f"Firewalls lack what {name} has: copy it from the release's blocklists."
            code = f"{MISSING_RANGES}:{name}"
            yield Problem("warning", names.file, None, "", actual, expected, advice, code)
