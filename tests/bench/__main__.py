"""``python -m tests.bench``: what a query costs Darban and its peers, on this machine.

All servers of a pair run at once, each fresh, and are put under load one after the other,
in turn first and last: so both see the same minute of the machine. They share one core,
and the generator and the upstream another.
"""

import argparse
import datetime as dt
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tests.bench import peers, questions
from tests.bench.load import Measured, await_answers, measure, shoot
from tests.bench.processes import ROOT, BenchError, program, start
from tests.bench.report import TITLES, document

BUILD = ROOT / "build"
KINDS: list[type[peers.Peer]] = [peers.Authority, *peers.PEERS]


def main() -> int:
    """Measure, print, write; the exit code."""
    options = _options()
    needed = {kind.program: kind.package for kind in KINDS}
    if lacking := _install({"dnsperf": "dnsperf"} | needed):
        sys.stderr.write(f"bench needs: apt-get install {' '.join(lacking)}\n")
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        report = _run(options)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.md").write_text(report)
    sys.stdout.write(report)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few queries: does it work at all?")
    parser.add_argument("--runs", type=int, default=3, help="how many pairs")
    parser.add_argument("--only", help="workloads, such as hits,misses", default=",".join(TITLES))
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := [each for each in options.only if each not in TITLES]:
        parser.error(f"no such workload: {unknown[0]}; there are {', '.join(TITLES)}")
    if options.runs < 1:
        parser.error("at least one run is needed")
    return options


def _install(needed: dict[str, str]) -> list[str]:
    """Install what is missing, as root; the packages that are missing still."""
    lacking = _lacking(needed)
    if lacking and os.geteuid() == 0 and program("apt-get"):
        sys.stderr.write(f"bench: installing {' '.join(lacking)} ...\n")
        command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *lacking]
        subprocess.run(command, stdout=sys.stderr, check=False)
        lacking = _lacking(needed)
    return lacking


def _lacking(needed: dict[str, str]) -> list[str]:
    return sorted({package for name, package in needed.items() if not program(name)})


def _run(options: argparse.Namespace) -> str:
    data = questions.make(questions.QUICK if options.quick else questions.Counts())
    place = BUILD / "bench"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    questions.write_questions(place / "warmup", data.warmup)
    for workload in options.only:
        questions.write_questions(place / workload, data.workloads[workload])
    results: dict[str, dict[str, list[Measured]]] = {
        workload: {peer.name: [] for peer in peers.PEERS if workload in peer.workloads}
        for workload in TITLES
        if workload in options.only
    }
    facts = _facts()
    for pair in range(options.runs):
        sys.stderr.write(f"bench: pair {pair + 1} of {options.runs} ...\n")
        for workload, name, measured in _pair(pair, place, data, list(results)):
            results[workload][name].append(measured)
    return document(facts, results, peers.Darban.name)


def _pair(
    pair: int, place: Path, data: questions.Data, workloads: list[str]
) -> Iterable[tuple[str, str, Measured]]:
    """Start every server, and put each in turn under each load."""
    server_core, load_core = _cores()
    passed, blocked = data.warmup[0][0], "www." + data.blocked[0]
    with ExitStack() as stack:
        authority = _peer(peers.Authority, place, pair, 0)
        child = start(stack, load_core, authority.configure(data), authority.place / "log")
        await_answers(authority, child, passed, None)
        running = []
        for kind in peers.PEERS:
            if kind.workloads.isdisjoint(workloads):
                continue
            peer = _peer(kind, place, pair, authority.port)
            child = start(stack, server_core, peer.configure(data), peer.place / "log")
            running.append((peer, child))
        for peer, child in running:
            await_answers(peer, child, passed, blocked)
            if peer.resolves:
                shoot(peer.port, place / "warmup", load_core)
        for workload in workloads:
            for peer, child in running if pair % 2 == 0 else reversed(running):
                if workload in peer.workloads:
                    tcp = workload == "tcp"
                    measured = measure(peer, child, place / workload, load_core, tcp=tcp)
                    yield workload, peer.name, measured


def _peer(kind: type[peers.Peer], place: Path, pair: int, upstream: int) -> peers.Peer:
    here = place / f"{pair}-{kind.name.replace(' ', '-')}"
    here.mkdir()
    return kind(here, _free_port(), upstream, _free_port())


def _free_port() -> int:
    """A port that is free for UDP and for TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _cores() -> tuple[int, int]:
    """The server's core, and the one for the load and the upstream."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[min(1, len(cores) - 1)]


def _facts() -> dict[str, str]:
    """What must be known to read the figures."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    server_core, load_core = _cores()
    apart = "another" if server_core != load_core else "the same, so queries/s say nothing"
    facts = {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": " ".join(["python -m tests.bench", *sys.argv[1:]]),
        "machine": f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, "
        f"Linux {platform.release()}, Python {platform.python_version()}",
        "load average at the start": f"{os.getloadavg()[0]:.2f} (above 0.5 the figures are rough)",
        "cores": f"every server on one core, dnsperf and NSD on {apart}",
        "figures": "median (lowest..highest) of the pairs; CPU time is user + system of the "
        "processes that answer, a query completed; memory is the proportional set size",
    }
    for kind in KINDS:
        facts[kind.name] = kind(Path(), 0, 0, 0).version()
    return facts


if __name__ == "__main__":
    sys.exit(main())
