"""What the bench's programs have in common: options in, a report out."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import NamedTuple

from tests.programs.bench import machine
from tests.programs.bench.packages import Package, install
from tests.programs.bench.processes import BenchError
from tests.programs.bench.report import listed

_NEEDED = (Package("dnsperf", "dnsperf"), Package("nsd", "nsd", "nsd"))


class Report(NamedTuple):
    """What a program has measured."""

    facts: dict[str, str]
    """What must be known to read the figures, besides the machine."""
    parts: list[str]
    """Markdown, one after the other."""
    good: bool = True


def run_program(
    name: str,
    title: str,
    description: str | None,
    add_options: Callable[[argparse.ArgumentParser], None],
    measure: Callable[[argparse.Namespace], Report],
) -> int:
    """Read the options, measure, print the report and write it to build/; the exit code."""
    module = "tests.programs.bench" + ("" if name == "bench" else f".{name}")
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    add_options(parser)
    options = parser.parse_args()
    if missing := install(_NEEDED):
        sys.stderr.write(f"bench needs: apt-get install {' '.join(p.package for p in missing)}\n")
        return 2
    machine.end_on_signals()
    os.environ.pop("STATE_DIRECTORY", None)
    facts = machine.facts(module)
    try:
        report = measure(options)
    except BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    text = "\n\n".join((f"# {title}", listed(facts | report.facts), *report.parts)) + "\n"
    (machine.BUILD / f"{name}.md").write_text(text)
    sys.stdout.write(text)
    return 0 if report.good else 1
