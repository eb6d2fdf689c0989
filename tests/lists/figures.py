"""What a list gives, costs, and judges: measured, and compared with the obvious matcher."""

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from resolver.compiler.index import build
from resolver.compiler.packed_rules import packed
from resolver.dns import names
from resolver.lists.acceptance import read_untrusted
from resolver.lists.list_reader import by_reason
from resolver.lists.rules import BlockList, count_blocking
from resolver.policy.index import Index
from tests.lists.judged import is_blocked
from tests.lists.obvious_matcher import matcher


class Figures(NamedTuple):
    """One list, read in this process."""

    entries: int
    skipped: dict[str, int]
    seconds: float
    """To read it and to build its index."""
    memory: int
    """Octets by which that raised the most that the process held; 0 where it had held more."""
    mapped: int
    """Octets of its index, which workers map."""
    asked: int
    blocked: int
    different: list[str]
    """Names judged otherwise than by the obvious matcher."""


def measure(path: Path, kind: str, names_asked: int) -> Figures:
    """Read a list, and ask its index and the obvious matcher the same names."""
    content = path.read_bytes()
    before, began = _peak(), time.perf_counter()
    read = read_untrusted(content, kind, "service", path.name)
    assert isinstance(read, BlockList), read
    trie, rules = build([packed(read)])
    seconds, memory = time.perf_counter() - began, _peak() - before
    index, obvious = Index(trie, rules), matcher(content.decode(), kind)
    blocked, different = 0, []
    for name, times in Counter(islice(_asked(obvious.names()), names_asked)).items():
        hits = index.match(names.parse(name))
        verdict = is_blocked(read, hits)
        blocked += times * verdict
        if verdict != obvious.blocks(name):
            different.append(name)
    size = len(trie) + len(rules)
    skipped = by_reason(read.skipped)
    return Figures(
        *(count_blocking(read), skipped, seconds, memory, size, names_asked, blocked, different)
    )


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _asked(listed: list[str]) -> Iterator[str]:
    """Names of a list, below them, above them, and beside them."""
    rng = random.Random(1)
    while True:
        name = rng.choice(listed)
        yield rng.choice((name, f"w.{name}", f"x{name}", name.partition(".")[2], f"{name}.example"))
