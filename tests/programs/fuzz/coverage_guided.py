"""Fuzzing with atheris, where it is installed: it is led by the code that inputs reach.

libFuzzer ends its process, so each target has one of its own:
``python -m tests.programs.fuzz.coverage_guided TARGET DIRECTORY [libFuzzer's options]``.
"""

import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.programs.fuzz.corpus import seeds
from tests.programs.fuzz.outcome import Failure, Ran

_EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_FEATURES = re.compile(r"\bft: (\d+)")
_ARTIFACT = re.compile(r"Test unit written to (\S+)")


def is_there() -> bool:
    """Whether atheris is installed."""
    return find_spec("atheris") is not None


def fuzz(name: str, seconds: float, seed: int, save: Path) -> Ran:
    """Run a target in a process of its own; it ends at its first failure."""
    log = save / f"{name}.log"
    with tempfile.TemporaryDirectory(prefix="darban-fuzz-") as directory:
        for number, data in enumerate(seeds(name).values()):
            (Path(directory) / str(number)).write_bytes(data)
        options = [
            *(f"-max_total_time={max(1, int(seconds))}", f"-seed={seed}", "-timeout=5"),
            *("-print_final_stats=1", f"-artifact_prefix={directory}/failed-", "-max_len=20000"),
        ]
        command = [
            sys.executable,
            "-m",
            "tests.programs.fuzz.coverage_guided",
            name,
            directory,
            *options,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        found = [Path(path).read_bytes() for path in _ARTIFACT.findall(said)[:1]]
    executions = _EXECUTIONS.search(said)
    features = _FEATURES.findall(said)
    failures = [Failure(f"see {log}", data) for data in found]
    if done.returncode and not failures:
        failures = [Failure(f"atheris could not run, see {log}", b"")]
    if failures:
        save.mkdir(parents=True, exist_ok=True)
        log.write_text(said, encoding="utf-8")
    reached = f"{features[-1] if features else 'no'} features of the code"
    return Ran(int(executions[1]) if executions else 0, reached, failures)


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["resolver"]):
        from tests.programs.fuzz.targets import TARGETS
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda data: void(target(data)))
    atheris.Fuzz()


def void(_: object) -> None:
    """libFuzzer reads what a target returns."""


if __name__ == "__main__":
    main()
