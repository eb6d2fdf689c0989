"""The features of a policy that a cell shows: where a target has all of them exactly, it agrees."""

from collections.abc import Iterator, Mapping

from resolver.policy.features import Feature
from resolver.publish.enforcers import SUPPORTS, Enforcer, Fit
from tests.programs.parity.differences import Cell, is_led_past_default
from tests.programs.parity.policy_under_test import NAMES

_OF_KIND: Mapping[str, set[Feature]] = {
    "blocked later": {Feature.DENY},
    "alias to blocked later": {Feature.DENY, Feature.ALIASES},
    "address of a service": {Feature.IPV4_RANGES, Feature.IPV6_RANGES},
    "address of an exempt service": {Feature.IPV4_RANGES, Feature.IPV6_RANGES},
    "canary": {Feature.CANARIES},
    "updates address of a service": {Feature.IPV4_RANGES},
    **{kind: {Feature.LISTS, Feature.ALLOW} for kind in NAMES if "allowed" in kind},
    **{kind: {Feature.LISTS, Feature.EXCEPTIONS} for kind in NAMES if "exception" in kind},
}
_ANSWERS = {
    "administrative": Feature.SINKHOLE,
    "hourly": Feature.SINKHOLE,
    "mixed": Feature.NXDOMAIN,
    "publicity": Feature.NODATA,
    "studio": Feature.SINKHOLE,
    "servers": Feature.SINKHOLE,
}


class Exactness:
    """Which features an engine has shown exactly, and the cells that deny it."""

    def __init__(self, target: Enforcer | None) -> None:
        supports = SUPPORTS[target] if target else {}
        self._exact = {feature for feature, support in supports.items() if support.fit is Fit.EXACT}
        self._shown: set[Feature] = set()
        self._wrong: list[str] = []

    def add(self, cell: Cell) -> None:
        """Count a cell. Without RD an engine answers by rules of its own."""
        has = features(cell)
        if cell.question.rd and has <= self._exact:
            self._shown |= has
            if not cell.agrees:
                self._wrong.append(f"{cell.caches}: {cell.question}: {sorted(has)}")

    def faults(self) -> Iterator[str]:
        """What is not as ``publish/enforcers.py`` says."""
        yield from (f"not exact, {cell}" for cell in self._wrong)
        yield from (f"no cell shows {feature}" for feature in sorted(self._exact - self._shown))


def features(cell: Cell) -> set[Feature]:
    """The features that decide a cell."""
    client, kind = cell.question.client, cell.question.kind
    policy = client.policy
    if policy == "open":
        return {Feature.COUNT}
    found = {_ANSWERS[policy], *_OF_KIND.get(kind, {Feature.LISTS})}
    if "alias" in kind:
        found.add(Feature.ALIASES)
    if "exempt" in kind and policy != "publicity":
        found.add(Feature.VLAN_EXEMPTIONS)
    if policy in ("hourly", "studio"):
        found.add(Feature.HOURS)
    if policy == "publicity":
        found.add(Feature.COUNT)
    if policy == "servers":
        found.add(Feature.DEFAULT)
        if is_led_past_default(cell):
            found.add(Feature.ANSWERS_PAST_DEFAULT)
    if client.name in ("press", "crew", "visitors"):
        found.add(Feature.PREFIX_EXEMPTIONS)
    return found
