"""``python -m tests.lists``: what each real list gives and costs.

Each is read in a process of its own, so that memory is that of one list.
"""

import multiprocessing
import sys

from tests.lists.figures import Figures, measure
from tests.lists.list_texts import REAL, REAL_FILES

_ASKED = 100_000


def main() -> int:
    """Measure and print; the exit code is 1 where a verdict differs."""
    if not REAL.is_dir():
        sys.stderr.write(f"{REAL} is not here\n")
        return 2
    different = 0
    for file, kind in REAL_FILES.items():
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            figures = pool.apply(measure, (REAL / file, kind, _ASKED))
        sys.stdout.write(_told(file, kind, figures))
        sys.stdout.flush()
        different += len(figures.different)
    return 1 if different else 0


def _told(file: str, kind: str, figures: Figures) -> str:
    lines = [
        f"{file} ({kind}): {figures.entries:,} entries, {sum(figures.skipped.values()):,} skipped, "
        f"{figures.seconds:.2f} s, {figures.memory / 1e6:.0f} MB to read, "
        f"{figures.mapped / 1e6:.2f} MB compiled; {figures.asked:,} names asked, "
        f"{figures.blocked:,} blocked, {len(figures.different)} judged otherwise than by the "
        "obvious matcher"
    ]
    lines += [f"    {count:,} skipped: {reason}" for reason, count in figures.skipped.items()]
    lines += [f"    DIFFERENT: {name}" for name in figures.different[:5]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
