"""The hash by which the chain over the audit log seals the figures of a time."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path

from resolver.figures import store
from resolver.figures.records import Figures


def figures_hash(state: Path, since: float, until: float) -> tuple[str, bool]:
    """The SHA-256 of the figures that begin from one moment and before another.

    And whether they are to be there: False where retention has removed a file of that time. Its
    first minutes may be in the file of the month before, with the local hour that has them.
    """
    directory = state / store.NAME
    text = "\n".join(sorted(_lines(store.read(directory, since, until))))
    present = (path.stem for path in directory.glob("*.sqlite"))
    oldest = min([*present, store.oldest_kept(dt.datetime.now(dt.UTC).date())])
    return hashlib.sha256(text.encode()).hexdigest(), store.first_month(since) >= oldest


def _lines(figures: Figures) -> Iterator[str]:
    """A text of each count and each minute, whatever the form of the files is."""
    for each in figures.counts:
        labels = (each.vlan, each.service, each.outcome)
        yield f"count {each.hour} {labels!r} {each.queries}"
    for minute in figures.minutes:
        serving = int(minute.serving)
        yield f"minute {minute.at} {minute.policy!r} {serving} {minute.tested.value}"
