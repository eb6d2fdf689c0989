"""``python -m tests.programs.networks [ROW...]``: bad networks, before Darban and its peers.

Each row is a network and what its upstreams do, in network namespaces of its own. Each resolver
gets new names through it at a steady rate. The table has the share that was answered within a
second and within five, the milliseconds for half and for 95 % of these, and the upstream queries a
name. It needs root, and the Debian packages of nftables, NSD and the other resolvers. All rows take
an hour for six resolvers; with ``--names 5000``, which a difference of a point needs, some eight
hours, most of it on the rows with a rate. Measure on a machine that does nothing else: the load is
printed with each run.

The kernel draws at random which packets are lost, and takes no seed: each run is another draw, and
all of them are printed.
"""

import argparse
import os
import platform
import signal
import sys

from tests.programs.networks.cells import Cell, cell, median
from tests.programs.networks.resolvers import RESOLVERS
from tests.programs.networks.rows import ROWS


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.networks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; none: all")
    parser.add_argument("--runs", type=int, default=1, help="figures are medians of so many runs")
    parser.add_argument("--names", type=int, default=0, help="so many names a row; none: its own")
    parser.add_argument(
        "--resolver", action="append", choices=RESOLVERS, help="which; may be repeated; none: all"
    )
    options = parser.parse_args()
    if unknown := set(options.rows) - ROWS.keys():
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    resolvers = options.resolver or list(RESOLVERS)
    rows = {}
    for name in options.rows or ROWS:
        runs = []
        for _ in range(options.runs):
            runs.append([cell(name, of, options.names) for of in resolvers])
            seen = (f"{of} {item}" for of, item in zip(resolvers, runs[-1], strict=True))
            print(f"{name}: {'; '.join(seen)}; load {os.getloadavg()[0]:.1f}", flush=True)
        rows[name] = [median(cells) for cells in zip(*runs, strict=True)]
    print(table(rows, resolvers))


def table(rows: dict[str, list[Cell]], resolvers: list[str]) -> str:
    """The figures in Markdown."""
    lines = [
        "\nShare answered within 1 s / in time, p50 / p95, upstream queries a name "
        f"(Linux {platform.release()})\n",
        f"| link or upstream | {' | '.join(resolvers)} |",
        f"|---|{'---|' * len(resolvers)}",
    ]
    for name, cells in rows.items():
        lines.append(f"| {ROWS[name].about} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
