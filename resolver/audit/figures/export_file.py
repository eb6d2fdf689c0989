"""The figures of a node as one file, which ``darban report --merge`` reads on another node.

What must stay true:
- The file is somebody else's. SQLite gets its content, and opens no file: a journal beside it, a
  link or a pipe is nothing to root. It is no larger than ``_MAX_EXPORT``, and its texts are short.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from resolver.audit.figures import tables
from resolver.audit.figures.counts import REDIRECTED, Figures, HourFigures, Labels, Minute
from resolver.audit.figures.tables import FiguresError
from resolver.policy.verdict import Outcome
from resolver.system.files import write_atomically
from resolver.system.regular_files import read_regular

_MAX_EXPORT: Final = 64 << 20
"""Octets. A month of 20 VLANs that ask for 40 services in each hour has 13 million."""
_MAX_TEXT: Final = 255
"""Characters of a name of a VLAN, a service, a policy or the node."""
_EVER: Final = (-(1 << 62), 1 << 62)
_OUTCOMES: Final = {REDIRECTED, *(outcome.label for outcome in Outcome)}


def write_export(path: Path, figures: Figures) -> None:
    """Write the figures of a node to a file that another node can read.

    Raises:
        OSError: the file cannot be written.
        FiguresError: the same, said by SQLite; or another node would refuse the file.
    """
    with tables.in_memory(path) as database:
        database.execute("BEGIN")
        tables.create(database)
        about = {"node": figures.node, "time_zone": figures.time_zone}
        about["damaged"] = "\n".join(figures.damaged)
        tables.note(database, about.items())
        tables.add(database, HourFigures(0, minutes=list(figures.minutes)))
        for hour, counts in groupby(figures.counts, key=attrgetter("hour")):
            of_hour = HourFigures(hour)
            for count in counts:
                of_hour.counts[Labels(count.vlan, count.service, count.outcome)] += count.queries
            tables.add(database, of_hour)
        for link in figures.links:
            tables.add(database, HourFigures(link.hour, cut=link.cut, answers=link.answers))
        database.execute("COMMIT")
        content = database.serialize()
    if len(content) > _MAX_EXPORT:
        raise FiguresError(f"{path.name}: more than {_MAX_EXPORT >> 20} MiB; ask for fewer days")
    write_atomically(path, content)


def read_exports(paths: Iterable[Path]) -> list[Figures]:
    """Read exports: of a directory, all its files but those with a dot before their names.

    A copy that is under way has such a name.

    Raises:
        FiguresError: what is wrong with each file that cannot be read, a line each; or a directory
            has no file.
    """
    exports: list[Figures] = []
    wrong: list[str] = []
    known: dict[Minute, Minute] = {}
    for path in chain.from_iterable(map(_files, paths)):
        try:
            figures = read_export(path)
        except FiguresError as error:
            wrong.append(str(error))
            continue
        # Equal minutes of many nodes are one value: they would be half of the memory.
        minutes = tuple(map(known.setdefault, figures.minutes, figures.minutes))
        exports.append(replace(figures, minutes=minutes))
    if wrong:
        raise FiguresError("\n".join(wrong))
    return exports


def _files(path: Path) -> list[Path]:
    """The file, or those of a directory."""
    if not path.is_dir():
        return [path]
    try:
        files = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise FiguresError(f"{path}: cannot be read ({error.strerror})") from None
    if not files:
        raise FiguresError(f"{path}: there is no file; expected what --export has written")
    return files


def read_export(path: Path) -> Figures:
    """Read what ``write_export`` has written, perhaps on another node.

    Raises:
        FiguresError: the file is missing, damaged, too large, or of a later release.
    """
    try:
        content = read_regular(path, _MAX_EXPORT, follow_link=False)
    except OSError as error:
        raise FiguresError(f"{path}: cannot be read ({error.strerror})") from None
    with tables.in_memory(path, content) as database:
        tables.check(database, path)
        if tables.longest_text(database) > _MAX_TEXT:
            raise FiguresError(f"{path.name}: it has a name of more than {_MAX_TEXT} characters")
        figures = tables.figures(database, *_EVER)
    numbers = [count.queries for count in figures.counts]
    numbers += [number for link in figures.links for number in (link.cut, link.answers)]
    if min(numbers, default=0) < 0:
        raise FiguresError(f"{path.name}: a count is less than 0, which takes from those of others")
    unknown = sorted({count.outcome for count in figures.counts} - _OUTCOMES)
    if unknown:
        raise FiguresError(
            f"{path.name}: the outcome '{unknown[0]}' is none of {', '.join(sorted(_OUTCOMES))}; "
            "if a later release has made the file, make the report with that release"
        )
    return figures
