"""Count the instructions of a query, and compare them with those of another commit.

``make instructions BEFORE=COMMIT``. Each of both is built, compiled, and runs ``counted_queries``
of that commit under callgrind. Instructions are those of the process, without the kernel. Those of
a hit, a block and a hit over TCP repeat within half a percent, also on a busy machine; those of a
miss within 1.2, since an attempt can time out under callgrind. A difference of 2 % is one of the
code: to be explained, or mended. Needs Debian's valgrind and gcc.
"""

import argparse
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live.configs import ROOT
from tests.programs.bench.counted_queries import BATCH, COUNTED

QUERIES = "tests/programs/bench/counted_queries.py"
ALLOWED = 2.0
"""Percent by which a kind of query may need more instructions."""
_TOTAL = re.compile(r"^(?:summary|totals): (\d+)", re.MULTILINE)
_LIBRARY = """
#include <valgrind/callgrind.h>
void begin(void) { CALLGRIND_START_INSTRUMENTATION; CALLGRIND_ZERO_STATS; }
void end(const char *kind) { CALLGRIND_DUMP_STATS_AT(kind); CALLGRIND_STOP_INSTRUMENTATION; }
"""


def count(tree: Path, place: Path) -> dict[str, float]:
    """The instructions of a query by its kind, with the package and the tests of a source tree."""
    environment = os.environ | {"DARBAN_COMPILE": "1", "PYTHON": sys.executable}
    subprocess.run([tree / "deploy" / "wheel.sh", place], env=environment, check=True)
    (wheel,) = (place / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(place / "package")
    library, dumps = place / "callgrind.so", place / "dumps"
    dumps.mkdir()
    compile_ = ("gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", library)
    subprocess.run(compile_, input=_LIBRARY, text=True, check=True)
    command: list[str | Path] = [
        *("valgrind", "--tool=callgrind", "--instr-atstart=no", "--quiet"),
        f"--callgrind-out-file={dumps}/out",
        *(sys.executable, tree / QUERIES, library),
    ]
    environment = os.environ | {
        "PYTHONPATH": f"{place / 'package'}:{tree}",
        "PYTHONSAFEPATH": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run(command, cwd=place, env=environment, check=True)
    return by_kind([dump.read_text() for dump in dumps.iterdir()])


def by_kind(dumps: list[str]) -> dict[str, float]:
    """The instructions of a query in each dump, without what a batch takes without a server."""
    found = {}
    for text in dumps:
        kind = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
        total = _TOTAL.search(text)
        if kind and total:
            found[kind[1]] = int(total[1]) / (BATCH * COUNTED)
    nothing, upstream = found.pop("nothing"), found.pop("nothing upstream")
    without = {"hit": nothing, "block": nothing, "miss": upstream}  # a stream's batch is one send
    return {kind: number - without.get(kind, 0.0) for kind, number in found.items()}


def count_commit(commit: str, place: Path) -> dict[str, float]:
    """The instructions of a query at a commit of this repository."""
    tree = place / "tree"
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit], cwd=ROOT, capture_output=True, check=True
    )
    tree.mkdir()
    subprocess.run(["tar", "--extract"], cwd=tree, input=archive.stdout, check=True)
    return count(tree, place)


def table(before: Mapping[str, float], now: Mapping[str, float]) -> list[str]:
    """A line for each kind of query."""
    lines = [f"{'instructions':<14}{'before':>10}{'now':>10}{'change':>10}"]
    for kind, instructions in now.items():
        change = 100 * (instructions / before[kind] - 1)
        mark = "  more than allowed" if change > ALLOWED else ""
        lines.append(
            f"{kind:<14}{before[kind]:>10,.0f}{instructions:>10,.0f}{change:>+9.1f}%{mark}"
        )
    return lines


def main() -> int:
    """Print the table; 1 where a kind of query needs more than is allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commit", help="the commit to compare with")
    before = parser.parse_args().commit
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        lines = table(count_commit(before, Path(one)), count(ROOT, Path(other)))
    print("\n".join(lines))
    return int(any(line.endswith("allowed") for line in lines))


if __name__ == "__main__":
    sys.exit(main())
