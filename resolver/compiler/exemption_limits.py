"""``[exemption_limits]``: an exemption that lasts too long is an error, unless it was in force.

Every door compiles the config, and so is held to it: ``check``, ``exempt``, a reload, a pull, a
start. What the last good snapshot has, equal in what decides, is only a warning: a limit that is
set later must not fail a restart.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from resolver.config.load import LoadedConfig
from resolver.config.problems import Problem, toml_text
from resolver.config.warnings import OVER_LIMIT, code_of
from resolver.policy.compiled import CompiledConfig, Hours
from resolver.policy.exemption_details import ExemptionDetails, comparable, exemption_details
from resolver.policy.moment import ended
from resolver.system.english import moment_text
from resolver.system.time_zones import zone_or_utc

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
    provenance, zone = loaded.provenance, zone_or_utc(compiled.settings.report.time_zone)
    limit = toml_text(provenance.merged.at(_LONGEST))
    expected = f"a moment within {limit}, the longest exemption by {provenance.location(_LONGEST)}"
    for place, exemption in enumerate(exemption_details(compiled)):
        begin = max(wall, exemption.begins)
        if ended(exemption.until, begin + longest.total_seconds() + _ROUNDED):
            continue
        path = ("exemptions", place, "until")
        until = moment_text(exemption.until, zone, "seconds")
        earlier = was_in_force.get(exemption.id)
        references = loaded.config.exemptions[place].services
        if (
            before is not None
            and earlier is not None
            and _same_time_and_clients(before, earlier, compiled, exemption)
            and all(_was_permitted(reference, before, earlier) for reference in references)
        ):
            advice = f"Exemption {exemption.id} was in force before, and stays until it is changed."
            code = code_of(OVER_LIMIT, path, loaded.config)
            yield provenance.problem(path, until, expected, advice, "warning", code)
        else:
            yield provenance.problem(path, until, expected, "Let it end earlier.")


def _same_time_and_clients(
    before: CompiledConfig,
    earlier: ExemptionDetails,
    now: CompiledConfig,
    exemption: ExemptionDetails,
) -> bool:
    """Whether two exemptions are for the same clients, from, until and within the same hours.

    A VLAN is the same by its name.
    """
    old, new = comparable(earlier), comparable(exemption)
    equal = all(old[key] == new[key] for key in ("vlan", "prefixes", "begins", "until"))
    return equal and _hours(before, earlier) == _hours(now, exemption)


def _hours(compiled: CompiledConfig, exemption: ExemptionDetails) -> Hours | None:
    """The hours of an exemption, but for the moments that follow from them."""
    of = next((hours for hours in compiled.hours if hours.name == exemption.hours), None)
    return None if of is None else replace(of, moments=())


def _was_permitted(reference: str, before: CompiledConfig, earlier: ExemptionDetails) -> bool:
    """Whether an exemption had a service, or what its category then had: a list may add to that."""
    if not reference.startswith("@"):
        return reference in earlier.services
    members = {service.name for service in before.services if f"@{service.category}" == reference}
    return bool(members) and members <= {*earlier.services}
