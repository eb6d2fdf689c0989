"""The bench's own logic, and what DNS over TLS costs, measured for a second."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resolver.audit import journal
from resolver.audit.reading import Reading
from resolver.compiler.compilation import compile_file
from tests.live.configs import ROOT
from tests.live.programs import lacking, needed
from tests.programs.bench import questions
from tests.programs.bench.darban import BlockLog, Darban, Wildcard
from tests.programs.bench.dnsperf import Statistics, read_statistics
from tests.programs.bench.large_network import LargeNetwork, Size
from tests.programs.bench.long_history import LongHistory

SMALL = questions.Counts(
    blocked=200, cached=50, hits=3000, misses=300, few_misses=30, mix=3000, blocks=300, tcp=100
)

DNSPERF = """\
Statistics:

  Queries sent:         300000
  Queries completed:    299990 (100.00%)
  Queries lost:         10 (0.00%)

  Response codes:       NOERROR 209990 (70.00%), NXDOMAIN 90000 (30.00%)
  Average packet size:  request 36, response 62
  Run time (s):         2.500000
  Queries per second:   119996.000000
"""


def test_dnsperf_statistics() -> None:
    assert read_statistics(DNSPERF) == Statistics(
        300_000, 299_990, 10, 2.5, {"NOERROR": 209_990, "NXDOMAIN": 90_000}
    )


@pytest.mark.parametrize("kind", [Darban, Wildcard, BlockLog])
def test_our_configs_are_good(kind: type[Darban], tmp_path: Path) -> None:
    darban = kind(tmp_path, 5301, 5302, 5303)
    darban.configure_with(questions.make(SMALL).blocked, 1, exceptions=30, prefixes=9000)
    result = compile_file(darban.config, time.time())
    assert (result.errors, result.failed) == ([], [])
    compiled = result.snapshot.compiled
    assert compiled.settings.listen[0].address == kind.listen
    assert (compiled.settings.block_log is not None) is (kind is BlockLog)
    assert len(compiled.excepted) == 30
    assert len(compiled.prefixes) > 9000


def test_a_large_network_has_its_size(tmp_path: Path) -> None:
    network = LargeNetwork(Darban, tmp_path, Size(5, 2, 40))
    for command in (network.change_policy(7), network.add_name(7)):
        assert command == ("reload",)
    result = compile_file(tmp_path / "config.toml", time.time())
    assert (result.errors, result.failed) == ([], [])
    compiled = result.snapshot.compiled
    assert (len(compiled.vlans), len(compiled.policies)) == (5, 2)
    assert [service.entries for service in compiled.services] == [21, 20]
    assert "denied-7.example" in (tmp_path / "config.toml").read_text()


def test_a_long_history_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_LONGEST", 100_000)
    history = LongHistory(Darban, tmp_path)
    reading = Reading(tmp_path / ".darban")
    assert [record.number for record in reading.records()] == [*range(1, history.records + 1)]
    assert reading.breaks == []
    assert sum(path.stat().st_size for path in (tmp_path / ".darban").iterdir()) > 1.2e5


@pytest.mark.end_to_end
def test_dns_over_tls_is_measured_beside_its_peers() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        lacking("needs two cores: one measures, and one is measured")
    for program in ("dnsperf", "unbound", "dnsdist", "openssl"):
        needed(program)
    few = ("--runs=1", "--rate=300", "--seconds=1", "--connections=20")
    command = [sys.executable, "-m", "tests.programs.bench.tls", *few]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    _, medians = done.stdout.split("medians:\n")
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in medians.splitlines()]
    assert [name for name, *_ in rows] == ["Darban", "Unbound", "dnsdist and Darban"]
    assert all(float(figure) > 0 for _, *figures in rows for figure in figures[:-1]), medians
