"""A warm server with one client that asks it steadily: what kill, scrape and reload need.

Whatever the server does, it does on one core: workers, supervisor and compiler get in each
other's way there and in nobody else's, so that no wait is that of the generator.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tests.programs.bench import machine, questions
from tests.programs.bench.clients import Client, each_asks_all, one_of_each_vlan
from tests.programs.bench.darban import MAIN, Darban
from tests.programs.bench.dnsperf import Statistics, ask_once, ask_steadily
from tests.programs.bench.load import await_answers
from tests.programs.bench.processes import start
from tests.programs.bench.stopwatch import Stopwatch
from tests.programs.bench.upstream import Authority

WORKERS = 2
SECONDS = 8
"""How long it is asked at a time."""


class WarmServer(NamedTuple):
    """A server that has been asked everything once, and who asks it."""

    darban: Darban
    supervisor: int
    """Its process ID."""
    client: Client
    blocked: str


@contextmanager
def warm_server(place: Path, blocked: int = questions.SMALL.blocked) -> Iterator[WarmServer]:
    """A server with a list of so many names; what it says is kept in this place."""
    data = questions.make(replace(questions.SMALL, blocked=blocked))
    with ExitStack() as stack:
        server_core = stack.enter_context(machine.off_the_server_s_core())
        authority = machine.settle(Authority, place)
        child = start(stack, None, authority.configure(data), authority.place / "log")
        await_answers(authority, child, data.warmup[0][0], None)
        darban = machine.settle(MAIN, place, authority.port)
        command = darban.configure_with(data.blocked, WORKERS)
        child = start(stack, server_core, command, darban.place / "log")
        await_answers(darban, child, data.warmup[0][0], "www." + data.blocked[0])
        vlans = one_of_each_vlan()
        ask_once(darban.port, each_asks_all(place / "warmup", data.warmup, vlans))
        client = each_asks_all(place / "hits", data.workloads["hits"], vlans[:1])[0]
        yield WarmServer(darban, child.pid, client, data.blocked[0])


def ask_timed(here: WarmServer, rate: int, seconds: int = SECONDS) -> Statistics:
    """Have the client ask at a rate for some seconds, and time what is asked besides."""
    with Stopwatch(here.client.address, here.darban.port, here.blocked) as watch:
        statistics = ask_steadily(here.darban.port, here.client, rate, seconds)
    return watch.beside(statistics)


def settings(rate: int) -> dict[str, str]:
    """What must be known of the server to read the figures."""
    limit = Path("/proc/sys/net/core/rmem_max").read_text().strip()
    return {
        "net.core.rmem_max": f"{limit} octets, which bound the queue of a worker",
        "load": f"{rate:,} hits a second, for {SECONDS} s where nothing else is said",
        MAIN.name: f"{MAIN.version().removesuffix(', one worker')}, {WORKERS} workers and the "
        "rest on one core, generator and upstream on another",
    }
