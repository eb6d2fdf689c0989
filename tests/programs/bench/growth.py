"""What a change costs where there are many VLANs, policies and names: seconds, and memory.

Each change is made, and a command puts it in force. Meanwhile the memory and the CPU time of all
that works for it are sampled: the command, the compiler and the writer of the zones.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs.bench.darban import Darban
from tests.programs.bench.large_network import LargeNetwork, Size, wait, wait_for_quiet, working
from tests.programs.bench.processes import cpu, memory
from tests.programs.bench.report import FIGURES, figure, markdown

SIZES = (Size(50, 5, 100_000), Size(500, 50, 1_000_000))
_SAMPLE = 0.05
"""Seconds between two samples of the memory."""
_FIRST, _CHECK = "the first compilation", "check"
_POLICY, _NAME, _EXEMPT = "a line of policy", "one name in one list", "exempt"
_NOTHING = "reload, nothing changed"
_STEPS = (_FIRST, _POLICY, _NAME, _EXEMPT, _NOTHING, _CHECK)


@dataclass
class Costs:
    """The figures of one step, one for each time that it was made."""

    in_force: list[float] = field(default_factory=list)
    """Seconds until a command has ended, or DNS is served."""
    in_zones: list[float] = field(default_factory=list)
    """Seconds from then on until the zones were written."""
    cpu: list[float] = field(default_factory=list)
    """Seconds of CPU time, of all processes but the supervisor and the workers."""
    megabytes: list[float] = field(default_factory=list)
    """The same processes' memory, at the peak."""


def tables(kind: type[Darban], place: Path, sizes: Sequence[Size], runs: int) -> list[str]:
    """A heading and a table for each size."""
    parts = []
    for size in sizes:
        found = {step: Costs() for step in _STEPS}
        for number in range(runs):
            sys.stderr.write(f"bench: {size}, run {number + 1} of {runs} ...\n")
            here = place / f"{size.vlans}-{number}"
            here.mkdir(parents=True)
            _measure(LargeNetwork(kind, here, size), number, found)
        parts += [f"## A change with {size}", _table(found)]
    return parts


def _measure(network: LargeNetwork, number: int, found: Mapping[str, Costs]) -> None:
    changes: Mapping[str, Callable[[], Sequence[str]]] = {
        _POLICY: lambda: network.change_policy(number),
        _NAME: lambda: network.add_name(number),
        _EXEMPT: lambda: network.exempt(number),
        _NOTHING: lambda: ("reload",),
        _CHECK: lambda: ("check",),
    }
    with ExitStack() as stack:
        with _costs(network, found[_FIRST]):
            network.start(stack)
        for step, change in changes.items():
            command = change()
            with _costs(network, found[step], zones=step != _CHECK):
                network.run(command)


@contextmanager
def _costs(network: LargeNetwork, found: Costs, *, zones: bool = True) -> Iterator[None]:
    """Measure the body, and what the server does then until it has nothing to do."""
    before = network.zones_written()
    with _sampled(found):
        began = time.monotonic()
        yield
        in_force = time.monotonic()
        found.in_force.append(in_force - began)
        if zones:
            wait(lambda: network.zones_written() > before, "the zones are to be written")
            found.in_zones.append(time.monotonic() - in_force)
        wait_for_quiet(os.getpid())


@contextmanager
def _sampled(found: Costs) -> Iterator[None]:
    """Sample the memory and the CPU time of what works below this process."""
    end, peak = threading.Event(), 0
    used: dict[int, float] = {}

    def sample() -> None:
        nonlocal peak
        while not end.wait(_SAMPLE):
            total = 0
            for number in working(os.getpid()):
                with suppress(OSError, StopIteration):  # it has ended
                    total += memory([number])
                    used[number] = cpu([number]).total
            peak = max(peak, total)

    sampling = threading.Thread(target=sample)
    sampling.start()
    try:
        yield
    finally:
        end.set()
        sampling.join()
    found.megabytes.append(peak / 1e6)
    found.cpu.append(sum(used.values()))


def _table(found: Mapping[str, Costs]) -> str:
    rows = [figure(f"{step}: s", costs.in_force) for step, costs in found.items()]
    for step, costs in found.items():
        if costs.in_zones:
            rows.append(figure(f"{step}: s more until the zones are written", costs.in_zones))
    for step, costs in found.items():
        what = f"{step}: s of CPU time of command, compiler and writer"
        rows.append(figure(what, costs.cpu))
    for step, costs in found.items():
        what = f"{step}: MB of command, compiler and writer together, at the peak"
        rows.append(figure(what, costs.megabytes, 0))
    return markdown(FIGURES, rows)
