"""The features of a policy that a cell shows: where a target has all of them exactly, it agrees."""

from collections import Counter
from collections.abc import Mapping

from resolver.policy.features import Feature, Target
from resolver.publish.targets import SUPPORTS, Fit
from tests.programs.parity.differences import Cell
from tests.programs.parity.policy_under_test import NAMES, POLICIES

TARGETS: Mapping[str, Target] = {
    "BIND": Target.BIND,
    "Unbound": Target.UNBOUND,
    "Recursor": Target.RECURSOR,
}

_OF_KIND: Mapping[str, set[Feature]] = {
    "blocked later": {Feature.DENY},
    "alias to blocked later": {Feature.DENY, Feature.ALIASES},
    "address of a service": {Feature.IPV4_RANGES},
    "canary": {Feature.CANARIES},
    **{kind: {Feature.LISTS, Feature.ALLOW} for kind in NAMES if "allowed" in kind},
    **{kind: {Feature.LISTS, Feature.EXCEPTIONS} for kind in NAMES if "exception" in kind},
}
_ANSWERS = {
    "administrative": Feature.SINKHOLE,
    "hourly": Feature.SINKHOLE,
    "mixed": Feature.NXDOMAIN,
    "publicity": Feature.NODATA,
}


class Exactness:
    """Which features an engine has shown exactly, and the cells that deny it."""

    def __init__(self) -> None:
        self.shown: dict[str, Counter[Feature]] = {}
        self.wrong: list[str] = []

    def add(self, engine: str, cell: Cell) -> None:
        """Count a cell. Without RD an engine answers by rules of its own."""
        if engine not in TARGETS or not cell.question.rd:
            return
        has = features(cell)
        if all(SUPPORTS[TARGETS[engine]][each].fit is Fit.EXACT for each in has):
            self.shown.setdefault(engine, Counter()).update(has)
            if not cell.agrees:
                self.wrong.append(f"{engine}, {cell.caches}: {cell.question}: {sorted(has)}")

    def unseen(self, engine: str) -> set[Feature]:
        """The features that the table calls exact, and that no cell has shown."""
        supports = SUPPORTS[TARGETS[engine]]
        return {each for each in supports if supports[each].fit is Fit.EXACT} - {
            *self.shown[engine]
        }


def features(cell: Cell) -> set[Feature]:
    """The features that decide a cell."""
    vlan, kind = cell.question.vlan, cell.question.kind
    policy = POLICIES[vlan]
    if policy == "open":
        return {Feature.AUDIT}
    found = {_ANSWERS[policy], *_OF_KIND.get(kind, {Feature.LISTS})}
    if "alias" in kind:
        found.add(Feature.ALIASES)
    if "exempt" in kind and policy != "publicity":
        found.add(Feature.VLAN_EXEMPTIONS)
    if policy == "hourly":
        found.add(Feature.HOURS)
    if vlan == "press":
        found.add(Feature.PREFIX_EXEMPTIONS)
    return found
