"""The bench's own logic; nothing here makes load."""

import os
import shutil
import time
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from tests.programs.bench import questions
from tests.programs.bench.darban import BlockLog, Compiled, Darban, Wildcard
from tests.programs.bench.dnsperf import Statistics, read_statistics
from tests.programs.bench.processes import ROOT, cpu

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


def test_cpu_time_of_a_process_is_what_the_process_itself_reads() -> None:
    before = time.process_time()
    measured = cpu([os.getpid()]).total
    assert before <= measured <= time.process_time()


def test_questions_are_of_the_shape_that_was_promised() -> None:
    data = questions.make(SMALL)
    blocked = {f".{name}" for name in data.blocked}
    hits = data.workloads["hits"]

    def is_blocked(name: str) -> bool:
        return any(f".{name}".endswith(each) for each in blocked)

    share = sum(is_blocked(name) for name, _ in hits) / len(hits)
    assert 0.25 < share < 0.35
    assert {hit for hit in hits if not is_blocked(hit[0])} <= set(data.warmup)
    assert all(is_blocked(name) for name, _ in data.workloads["blocks"])
    missed, full = (
        [name for name, _ in data.workloads[workload]] for workload in ("misses", "misses-full")
    )
    missed += [name for name, _ in data.workloads["misses-20"]] + full
    assert all(name.endswith(f".{questions.FULL}") for name in full)
    assert len(set(missed)) == len(missed)
    assert not any(is_blocked(name) for name in missed)
    assert not {name for name, _ in data.warmup} & set(missed)


@pytest.mark.parametrize("kind", [Darban, Wildcard, BlockLog])
def test_our_configs_are_good(kind: type[Darban], tmp_path: Path) -> None:
    darban = kind(tmp_path, 5301, 5302, 5303)
    darban.configure_with(questions.make(SMALL).blocked, 1, exceptions=30, prefixes=9000)
    result = compile_file(darban.config, time.time())
    assert result.errors == result.failed == []
    compiled = result.snapshot.compiled
    assert compiled.settings.listen[0].address == kind.listen
    assert (compiled.settings.block_log is not None) is (kind is BlockLog)
    assert len(compiled.excepted) == 30
    assert len(compiled.prefixes) > 9000


def test_a_compiled_package_must_be_of_these_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.programs.bench.darban._COMPILED", tmp_path)
    assert "no compiled package" in Compiled.missing()
    package = tmp_path / "lib" / "python3.11" / "site-packages" / "resolver"
    shutil.copytree(ROOT / "resolver", package)
    assert "no compiled package" in Compiled.missing()
    (package / "dns" / "names.cpython-311.so").touch()
    assert Compiled.missing() == ""
    (package / "dns" / "names.py").write_text("# another file")
    assert "other files" in Compiled.missing()
