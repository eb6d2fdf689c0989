"""Warnings about address ranges of the release that a config's lists lack.

Where somebody has copied a list of names without its ranges, nothing fails: names are blocked, and
feeds and firewall rules lack the addresses.
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


def missing_ranges(compiled: CompiledConfig) -> Iterator[Problem]:
    """A warning for each list of a service that a policy blocks, without its ranges beside it."""
    blocked = union(each.services(*BLOCKING) for each in compiled.policies)
    own = {PurePath(each.file).name: each for each in compiled.sources if not each.of_others}
    for name in SHIPPED:
        names = own.get(f"{PurePath(name).stem}.txt")
        if names is not None and name not in own and blocked >> names.service & 1:
            found, expected = "no address ranges", "a file of them beside it, as in the release"
            advice = f"Firewalls lack what {name} has: copy it from the release's blocklists."
            code = f"{MISSING_RANGES}:{name}"
            yield Problem("warning", names.file, None, "", found, expected, advice, code)
