"""``python -m tests.programs.bench.million``: what a list of a million names costs.

The same server with a list of a thousand is what it is compared with. What a client waits
for is measured as well: the time from the start of a server to its first answer, with the
list and with the config that is shipped.
"""

import argparse
import asyncio
import re
import resource
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from resolver.compiler.child_compiler import compile_in_child
from resolver.snapshot import store
from tests.live.ports import free_port
from tests.programs.bench import machine, questions
from tests.programs.bench.clients import ADDRESSES, deal
from tests.programs.bench.darban import MAIN
from tests.programs.bench.dnsperf import ask_once
from tests.programs.bench.load import await_answers
from tests.programs.bench.probes import first_answer
from tests.programs.bench.processes import ROOT, BenchError, end, family, memory, start
from tests.programs.bench.program import Report, run_program
from tests.programs.bench.report import markdown, spread
from tests.programs.bench.upstream import Authority

_SMALL, _BIG, _QUICK_BIG = 1_000, 1_000_000, 20_000
_WORKERS = 2
_CLIENTS = 20
_SHIPPED_BLOCKED = "web.telegram.org"


class Server(NamedTuple):
    """A server with a list, measured once."""

    names: int
    compiling: float
    """Seconds to compile the list, in a process of its own."""
    snapshot: int
    """Octets of what was compiled."""
    starting: float
    """Seconds from its start to the first answer; it compiles again, to see what has changed."""
    supervisor: int
    """Octets of memory."""
    workers: int

    @property
    def memory(self) -> int:
        """Octets of all its processes."""
        return self.supervisor + self.workers


def main() -> int:
    """Measure, print, write; the exit code."""
    return run_program("million", "What a million names cost", __doc__, _add_options, _measure)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_BIG:,} names instead")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured")


def _measure(options: argparse.Namespace) -> Report:
    place, runs = machine.empty("million"), options.runs
    cold, warm = _shipped(place / "shipped", runs)
    small, big = _data(_SMALL), _data(_QUICK_BIG if options.quick else _BIG)
    with ExitStack() as stack:
        authority = machine.settle(Authority, place)
        child = start(stack, None, authority.configure(small), authority.place / "log")
        await_answers(authority, child, small.warmup[0][0], None)
        measured: list[list[Server]] = []
        for number in range(runs):
            sys.stderr.write(f"bench: pair {number + 1} of {runs} ...\n")
            here = place / str(number)
            here.mkdir()
            measured.append(
                [_served(here / str(len(d.blocked)), authority.port, d) for d in (small, big)]
            )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    parts = [
        f"Most memory that any process took, which is the compiler: {peak / 1e6:,.0f} MB.",
        table(*([pair[which] for pair in measured] for which in (0, 1))),
        f"The shipped config, from its start to the first answer: {spread(cold, 2)} s the "
        f"first time, {spread(warm, 2)} s when it was compiled before.",
    ]
    return Report({MAIN.name: f"{MAIN.version()}, but {_WORKERS} workers, on any core"}, parts)


def _data(names: int) -> questions.Data:
    return questions.make(replace(questions.SMALL, blocked=names))


def _served(place: Path, upstream: int, data: questions.Data) -> Server:
    place.mkdir()
    darban = machine.settle(MAIN, place, upstream)
    arguments = darban.configure_with(data.blocked, workers=_WORKERS)
    config = darban.config
    began = time.monotonic()
    snapshot = Path(asyncio.run(compile_in_child(config, store.directory(config))).snapshot)
    compiling = time.monotonic() - began
    with ExitStack() as stack:
        began = time.monotonic()
        child = start(stack, None, arguments, darban.place / "log")
        if first_answer(child, ADDRESSES[0], darban.port, data.blocked[-1]) is None:
            raise BenchError(f"no answer; see {darban.place}/log")
        starting = time.monotonic() - began
        await_answers(darban, child, data.warmup[0][0], "www." + data.blocked[-1])
        for workload in ("hits", "blocks"):
            clients = deal(place / workload, data.workloads[workload], ADDRESSES[:_CLIENTS])
            ask_once(darban.port, clients)
        supervisor, workers = memory([child.pid]), memory(family(child.pid)[1:])
    size = sum(each.stat().st_size for each in snapshot.iterdir())
    return Server(len(data.blocked), compiling, size, starting, supervisor, workers)


def table(small: Sequence[Server], big: Sequence[Server]) -> str:
    """Both servers, and what the names add."""
    head = (
        "names", "compile s", "compiled MB", "start s (compiles as well)", "supervisor MB",
        f"{_WORKERS} workers MB", "all MB",
    )  # fmt: skip
    more = [many.memory - few.memory for few, many in zip(small, big, strict=True)]
    rows = [_row(small), _row(big), ("**more**", "", "", "", "", "", f"**{_megabytes(more)}**")]
    return markdown(head, rows)


def _row(runs: Sequence[Server]) -> tuple[str, ...]:
    return (
        f"{runs[0].names:,}",
        spread([run.compiling for run in runs], 2),
        _megabytes([run.snapshot for run in runs]),
        spread([run.starting for run in runs], 2),
        _megabytes([run.supervisor for run in runs]),
        _megabytes([run.workers for run in runs]),
        _megabytes([run.memory for run in runs]),
    )


def _megabytes(octets: Sequence[int]) -> str:
    return spread([each / 1e6 for each in octets])


def _shipped(place: Path, runs: int) -> tuple[list[float], list[float]]:
    """Seconds from the start to an answer, of a first start each and of one that follows."""
    place.mkdir()
    cold, warm = [], []
    for _ in range(runs):
        shutil.rmtree(place)
        place.mkdir()
        cold.append(_start_shipped(place))
        warm.append(_start_shipped(place))
    return cold, warm


def _start_shipped(place: Path) -> float:
    config, port = place / "config.toml", free_port()
    config.write_text(elsewhere((ROOT / "config.toml").read_text(), port, free_port()))
    with ExitStack() as stack:
        began = time.monotonic()
        child = start(stack, None, [*MAIN.command(), "run", "--config", str(config)], place / "log")
        if first_answer(child, ADDRESSES[0], port, _SHIPPED_BLOCKED) is None:
            raise BenchError(f"no answer with the shipped config; see {place}/log")
        took = time.monotonic() - began
        end(child)
    return took


def elsewhere(config: str, port: int, metrics: int) -> str:
    """The shipped config on other ports, for one that may be running, and its lists in place."""
    line = f'listen = ["127.0.0.1:{port}"]'
    text, count = re.subn(r"^listen = .*$", line, config, count=1, flags=re.MULTILINE)
    if count != 1:
        raise BenchError("config.toml listens in a way that the bench does not know")
    lists = f'\n[lists]\ndirectories = ["{ROOT / "blocklists"}"]\n'
    return text + lists + f'[metrics]\nlisten = "127.0.0.1:{metrics}"\n'


if __name__ == "__main__":
    sys.exit(main())
