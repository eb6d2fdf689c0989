"""``[exemption_limits]``: an exemption that lasts too long is an error, unless it was in force.

Every door compiles the config, and so is held to it: ``check``, ``exempt``, a reload, a pull, a
start. What the last good snapshot has, equal in what decides, is only a warning: a limit that is
set later must not fail a restart.
"""

from collections.abc import Iterator
from typing import Final

from resolver.config.load import LoadedConfig
from resolver.config.problems import Problem, toml_text
from resolver.config.warnings import OVER_LIMIT, code_of
from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import ExemptionDetails, exemption_details
from resolver.policy.moment import ended

_LONGEST: Final = ("exemption_limits", "longest")
_ROUNDED: Final = 60.0
"""Seconds by which ``darban exempt --for`` may be longer: it ends at a whole minute."""


def over_limit(
    loaded: LoadedConfig, compiled: CompiledConfig, before: CompiledConfig | None, wall: float
) -> Iterator[Problem]:
    """The exemptions that last longer than ``longest``.

    Each begins at ``wall``, now in seconds since 1970, or at its beginning, if that is later.
    ``before`` is what was in force last; None where that is not known.
    """
    longest = loaded.config.exemption_limits.longest
    if longest is None:
        return
    was_in_force = {} if before is None else {of.id: of for of in exemption_details(before)}
    known = set() if before is None else {service.name for service in before.services}
    provenance = loaded.provenance
    limit = toml_text(provenance.merged.at(_LONGEST))
    expected = f"a moment within {limit}, the longest exemption by {provenance.location(_LONGEST)}"
    for place, exemption in enumerate(exemption_details(compiled)):
        begin = max(wall, exemption.begins)
        if ended(exemption.until, begin + longest.total_seconds() + _ROUNDED):
            continue
        path = ("exemptions", place, "until")
        until = loaded.config.exemptions[place].until.isoformat()
        earlier = was_in_force.get(exemption.id)
        if earlier is not None and _is_unchanged(earlier, exemption, known):
            advice = f"Exemption {exemption.id} was in force before, and stays until it is changed."
            code = code_of(OVER_LIMIT, path, loaded.config)
            yield provenance.problem(path, until, expected, advice, "warning", code)
        else:
            advice = f"Let exemption {exemption.id} end earlier, or remove it."
            yield provenance.problem(path, until, expected, advice)


def _is_unchanged(earlier: ExemptionDetails, now: ExemptionDetails, known: set[str]) -> bool:
    """Whether an exemption permits no more than before, but for services that are new."""
    more = {*now.services} - {*earlier.services}
    return not more & known and _whom_and_when(earlier) == _whom_and_when(now)


def _whom_and_when(exemption: ExemptionDetails) -> tuple[object, ...]:
    clients = exemption.vlan, frozenset(exemption.prefixes)
    return *clients, exemption.begins, exemption.until, exemption.hours
