"""What an activation has changed for all names, in lines of text."""

from collections.abc import Iterator, Mapping

from resolver.analysis.activation_summary import (
    ActivationSummary,
    ChangedList,
    ChangedNames,
    Kind,
)
from resolver.analysis.diff_text import hours_text
from resolver.system.english import count_text, some_text

_VERBS: Mapping[Kind, str] = {
    "opened": "opens",
    "closed": "closes",
    "counted": "counts",
    "uncounted": "counts no more",
    "otherwise": "answers otherwise",
}
_OTHERS = "other names"
_SHOWN = 3
"""Services of a kind in a line for an activation."""


def summary_lines(summary: ActivationSummary | None) -> Iterator[str]:
    """All that a record has of it; None is that of a record without a summary."""
    if summary is None:
        yield "what it changed for names was not noted"
        return
    if not summary.changes_anything:
        yield "the same for every name, exemptions aside"
    yield from map(_names_line, summary.names)
    yield from map(_list_line, summary.lists)
    if summary.moved_prefixes:
        yield f"in another VLAN, and not compared: {', '.join(summary.moved_prefixes)}"
    if summary.left_out:
        yield f"and {count_text(summary.left_out, 'more change')}"


def summary_words(summary: ActivationSummary | None) -> str:
    """What opened and closed, by service, in a few words; empty where nothing did."""
    if summary is None:
        return ""
    parts = ((verb, summary.services(kind)) for kind, verb in _VERBS.items())
    return "; ".join(f"{verb} {_few(services)}" for verb, services in parts if services)


def _few(services: list[str]) -> str:
    return some_text([service or _OTHERS for service in services[:_SHOWN]], len(services))


def _names_line(of: ChangedNames) -> str:
    more = f" and {count_text(of.more_vlans, 'more VLAN')}" if of.more_vlans else ""
    where = f"on {', '.join(of.vlans)}{more}{hours_text(of.hours)}"
    classes = count_text(of.classes, "class", "classes")
    return (
        f"{_VERBS[of.kind]} {of.service or _OTHERS} {where}: {of.old} → {of.new}, "
        f"{classes} of names: {some_text(of.examples, of.classes)}"
    )


def _list_line(of: ChangedList) -> str:
    counts = ", ".join(f"{n:,} {what}" for n, what in ((of.gone, "gone"), (of.added, "new")) if n)
    examples = some_text(of.examples, of.gone + of.added)
    return f"list {of.file} ({of.service}): rules {counts}: {examples}"
