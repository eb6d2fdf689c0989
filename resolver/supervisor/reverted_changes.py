"""What a file that takes the place of the config would revert: exemptions, and changes of others.

A copy of the config grows old while others change what is in force, and no age shows it: an edit
makes the copy new again. So its values decide. The file was copied before a change if it lacks all
values that the change has added, and has all that it has removed.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise

from resolver.audit.audit_log import AuditEntry
from resolver.policy.compiled import CompiledConfig
from resolver.policy.exemption_details import ExemptionDetails, exemption_details
from resolver.policy.moment import ended
from resolver.snapshot.config_files import Texts, counted_lines
from resolver.system.english import moment_text
from resolver.system.time_zones import zone_or_utc

_Values = frozenset[tuple[str, ...]]
"""The values of a config, each with its keys; of an array, each element alone."""


def lost_exemptions(before: CompiledConfig, now: CompiledConfig, wall: float) -> Iterator[str]:
    """The exemptions that have not ended at ``wall``, in Unix time, and are gone or narrower."""
    zone = zone_or_utc(now.settings.report.time_zone)
    after = {exemption.id: exemption for exemption in exemption_details(now)}
    for exemption in exemption_details(before):
        if not ended(exemption.until, wall) and not _has_all(exemption, after.get(exemption.id)):
            does = "ends" if exemption.id not in after else "shortens or narrows"
            yield (
                f"this {does} exemption {exemption.id} ({', '.join(exemption.services)}, until "
                f"{moment_text(exemption.until, zone)}, approved by {exemption.approver})"
            )


def _has_all(before: ExemptionDetails, now: ExemptionDetails | None) -> bool:
    """Whether an exemption permits all that it has permitted."""
    return (
        now is not None
        and now.until >= before.until
        and now.begins <= before.begins
        and now.hours in ("", before.hours)
        and now.vlan == before.vlan
        and {*now.prefixes} >= {*before.prefixes}
        and {*now.services} >= {*before.services}
    )


def reverted_changes(
    changes: Sequence[tuple[AuditEntry, Texts]], new: Texts, who: str, zone: dt.tzinfo
) -> Iterator[str]:
    """The changes of others than ``who`` since the file was copied, the newest first.

    ``changes`` are the newest changes of the config, and what each has put in force; ``zone`` is
    that of their moments.
    """
    now = _values(new)
    for (change, texts), (_, before) in pairwise(changes):
        if not texts or not before:  # they are not kept
            return
        is_now, was = _values(texts), _values(before)
        added, removed = is_now - was, was - is_now
        if not added and not removed:  # comments
            continue
        if added & now or removed - now:
            return
        if change.who != who:
            more, less = counted_lines(change.diff)
            yield (
                f"this undoes what {change.who} put in force on {moment_text(change.time, zone)} "
                f"({change.event}, +{more} -{less} lines)"
            )


def _values(texts: Texts) -> _Values:
    import tomllib  # the supervisor has no other use of it

    values: set[tuple[str, ...]] = set()
    for text in texts.values():
        values.update(_of(tomllib.loads(text), ()))
    return frozenset(values)


def _of(value: object, keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The values below some keys; a table of an array is known by its id, or by all of it."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _of(inner, (*keys, key))
        case list():
            for element in value:
                if isinstance(element, dict) and "id" in element:
                    yield from _of(element, (*keys, str(element["id"])))
                else:
                    yield (*keys, repr(element))
        case _:
            yield (*keys, repr(value))
