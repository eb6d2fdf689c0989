"""Two workers, warm, with one client that asks them steadily: what kill and scrape need."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench import machine, questions
from tests.bench.clients import Client, each_asks_all, one_of_each_vlan
from tests.bench.dnsperf import ask_once
from tests.bench.load import await_answers
from tests.bench.ours import Darban
from tests.bench.packages import Package, install
from tests.bench.processes import start
from tests.bench.upstream import Authority

WORKERS = 2
SECONDS = 8
"""How long it is asked at a time."""
LACKING = "bench needs: apt-get install dnsperf nsd\n"


class Stage(NamedTuple):
    """A server that has been asked everything once, and who asks it."""

    darban: Darban
    supervisor: int
    """Its process ID."""
    client: Client
    blocked: str


def equipped() -> bool:
    """Whether what it takes is here, or could be installed."""
    return not install([Package("dnsperf", "dnsperf"), Package("nsd", "nsd", "nsd")])


@contextmanager
def stage(name: str) -> Iterator[Stage]:
    """The stage; what the server says is kept in the build directory under this name."""
    data = questions.make(questions.QUICK)
    place = machine.empty(name)
    with ExitStack() as stack:
        authority = machine.settle(Authority, place)
        child = start(stack, None, authority.configure(data), authority.place / "log")
        await_answers(authority, child, data.warmup[0][0], None)
        darban = machine.settle(Darban, place, authority.port)
        command = darban.configure_with(data.blocked, workers=WORKERS)
        child = start(stack, None, command, darban.place / "log")
        await_answers(darban, child, data.warmup[0][0], "www." + data.blocked[0])
        vlans = one_of_each_vlan()
        ask_once(darban.port, each_asks_all(place / "warmup", data.warmup, vlans), None)
        client = each_asks_all(place / "hits", data.workloads["hits"], vlans[:1])[0]
        yield Stage(darban, child.pid, client, data.blocked[0])


def settings(rate: int) -> dict[str, str]:
    """What must be known of the stage to read the figures."""
    limit = Path("/proc/sys/net/core/rmem_max").read_text().strip()
    return {
        "net.core.rmem_max": f"{limit} octets, which bound the queue of a worker",
        "load": f"{rate:,} hits a second for {SECONDS} s",
    }
