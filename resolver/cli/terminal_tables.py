"""Tables for a terminal that break no name and no number, and lines with a label."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.table import Column, Table
from rich.text import Text

_GAP: Final = 3
"""Columns of a terminal between two columns of a table."""
_MORE: Final = ", continued"


def labelled(label: str, text: str, style: str = "") -> Table:
    """A text beside its label, whose lines begin below each other."""
    line = Table.grid()
    line.add_column(no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(Text(f"{label:<9} ", style), Text(text, style))
    return line


def tables_that_fit(
    width: int,
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str | Text]],
    texts: Sequence[str] = (),
) -> Iterator[Table]:
    """A table, or several if the columns need more width; the first column is in all of them."""
    sizes = [max(map(_width, column)) for column in zip(headings, *rows, strict=True)]
    room = width - min(sizes[0], width // 2)
    parts: list[list[int]] = [[]]
    left = room
    for place, size in enumerate(sizes[1:], 1):
        if size + _GAP > left and parts[-1]:
            parts.append([])
            left = room
        parts[-1].append(place)
        left -= size + _GAP
    for part in parts:
        numbers = [headings[place] for place in part if headings[place] not in texts]
        here = [text for text in texts if text in {headings[place] for place in part}]
        table = table_of(title, headings[0], *numbers, texts=here)
        for row in rows:
            table.add_row(row[0], *(row[place] for place in part))
        yield table
        title = f"{title.removesuffix(_MORE)}{_MORE}"


def table_of(title: str, first: str, *numbers: str, texts: Sequence[str] = ()) -> Table:
    """A table with texts on the left and numbers, never cut, on the right."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, _GAP - 1, 0, 0),
        show_edge=False,
    )
    for heading in (first, *texts):
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def natural_width(column: Column) -> int:
    """That of its longest line, and of what is between it and the next column."""
    return max(map(_width, column.cells)) + _GAP


def _width(cell: object) -> int:
    """In columns of a terminal."""
    return max(map(cell_len, str(cell).split("\n")))
