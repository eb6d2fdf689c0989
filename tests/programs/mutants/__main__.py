"""``python -m tests.programs.mutants``: change what decides; say which changes no test notices.

mutmut makes the mutants, of a copy of the repository. mypy finds those that no type allows; for
each of the others, the fast tests run that reach it. By default these are all mutants of the
modules that decide; with ``--rest``, a sample of other modules, since all of them have 50,000, for
which mypy alone takes more than 15 minutes. A mutant that survives is a missing test, or is
equivalent: equivalent.toml says why. It has its own environment: ``make mutants``.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
DECIDING = {
    "policy": ("judge", "list_rules", "verdict_cache", "effect", "moment"),
    "exchange": ("exchange", "round", "fallback", "scrub"),
}
"""All of their mutants are tried."""
TESTS = ("policy", "exchange", "engine", "scenarios", "upstream", "analysis", "publish")
"""The folders of tests that are run for them."""
SEED = 50
"""Another one takes other modules and mutants."""
_OTHERS = 40
"""The modules of which ``--rest`` takes mutants."""
_BESIDE = ("scenarios",)
"""The folder of tests that is named after no package."""
_SURVIVED = (0, 5)
"""Exit codes of mutmut: the tests pass, or none is selected."""
_NOT_REACHED = 33
_WRONG_TYPE = 37
_SETTINGS = """\
[mutmut]
source_paths=
    resolver
only_mutate=
{modules}
pytest_add_cli_args_test_selection=
{tests}
pytest_add_cli_args=
    -m
    not processes and not shared_data
    -n
    0
timeout_multiplier=3
timeout_constant=20
type_check_command=
    mypy
    --output
    json
    --no-warn-unused-ignores
    --no-warn-unreachable
    --no-warn-return-any
    --disable-error-code=no-redef
    --disable-error-code=misc
{checked}
do_not_mutate_patterns=
    assert
    raise \\w+\\(
"""
"""What an assertion or an exception says is for a programmer."""


class Mutant(NamedTuple):
    """One change of one function."""

    function: str
    """Its full name: ``policy.judge.Judge.check_query``."""
    before: str
    """The lines that are gone, without what is around them."""
    after: str


class Row(NamedTuple):
    """What the tests of a module notice."""

    made: int
    of_wrong_type: int
    killed: int
    untested: list[Mutant]
    """Survivors, but for those that are equivalent."""
    equivalent: int
    not_reached: int
    """No fast test calls the function: tests that start a process may."""


def main() -> int:
    """Try the mutants, print the table; the exit code is 1 where one survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as policy/judge (default: what decides)")
    parser.add_argument("--rest", type=int, metavar="N", help="N mutants of other modules")
    parser.add_argument("--seed", type=int, default=SEED, help="chooses those of --rest")
    parser.add_argument("--place", type=Path, default=ROOT / "build" / "mutants" / "tree")
    options = parser.parse_args()
    deciding = [f"{package}/{name}" for package, names in DECIDING.items() for name in names]
    if options.rest:
        chosen, tests = _others(deciding, random.Random(options.seed)), [*_tested(), *_BESIDE]
    else:
        chosen, tests = options.modules or deciding, [*TESTS]
    if absent := [name for name in chosen if not (ROOT / "resolver" / f"{name}.py").is_file()]:
        parser.error(f"no such module: {', '.join(absent)}")
    _copy(options.place, chosen, tests)
    names = _sample(options.place, options.rest, options.seed) if options.rest else []
    _mutmut(options.place, "run", "--max-children", str(len(os.sched_getaffinity(0))), *names)
    rows = _rows(options.place, chosen)
    if options.rest:
        print(f"{options.rest} mutants of other modules, by seed {options.seed}")
    print(_table(rows))
    untested = any(row.untested or (row.not_reached and not options.rest) for row in rows.values())
    return 1 if untested else 0


def _tested() -> list[str]:
    """The packages with a folder of tests."""
    folders = sorted((ROOT / "tests").iterdir())
    return [folder.name for folder in folders if (ROOT / "resolver" / folder.name).is_dir()]


def _others(deciding: Sequence[str], chance: random.Random) -> list[str]:
    """Some modules of these packages, but for those that decide."""
    files = [path for name in _tested() for path in (ROOT / "resolver" / name).rglob("*.py")]
    modules = {
        str(path.relative_to(ROOT / "resolver").with_suffix(""))
        for path in files
        if not path.stem.startswith("__")
    }
    return sorted(chance.sample(sorted(modules - {*deciding}), _OTHERS))


def _copy(place: Path, modules: Sequence[str], tests: Sequence[str]) -> None:
    """A copy of what git tracks, with the settings of mutmut.

    mutmut reads ``resolver``, and writes ``mutants/resolver``. The rest is put beside the latter
    here, since mutmut would copy what a symbolic link names: a snapshot has the name of its hash.
    """
    shutil.rmtree(place, ignore_errors=True)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in tracked.stdout.decode().rstrip("\0").split("\0"):
        copy = place / name if name.startswith("resolver/") else place / "mutants" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy, follow_symlinks=False)
    settings = _SETTINGS.format(
        modules=_lines(f"resolver/{name}.py" for name in modules),
        tests=_lines(f"tests/{name}" for name in tests),
        checked=_lines(f"resolver/{name}.py" for name in modules),
    )
    (place / "setup.cfg").write_text(settings, encoding="utf-8")


def _lines(values: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(f"    {value}" for value in values)


def _mutmut(place: Path, *arguments: str) -> str:
    program = Path(sys.executable).with_name("mutmut")
    log = place.with_name("mutmut.log")
    path = f"{program.parent}:{os.environ['PATH']}"  # where mypy is, too
    with log.open("a", encoding="utf-8") as errors:
        done = subprocess.run(
            [program, *arguments],
            cwd=place,
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=errors,
            check=False,
        )
    text = done.stdout.decode(errors="replace")
    with log.open("a", encoding="utf-8") as file:
        file.write(text)
    if done.returncode:
        raise SystemExit(f"mutmut {arguments[0]} ended with {done.returncode}; {log} says why")
    return text


def _sample(place: Path, many: int, seed: int) -> list[str]:
    """The names of some mutants, once all of the chosen modules are made.

    No command of mutmut makes mutants and tries none: this is the step of ``mutmut run``.
    """
    make = "from mutmut.__main__ import create_mutants; create_mutants(1)"
    subprocess.run([sys.executable, "-c", make], cwd=place, stdout=subprocess.DEVNULL, check=True)
    names = sorted(name for codes in _exit_codes(place).values() for name in codes)
    return random.Random(seed).sample(names, many)


def _exit_codes(place: Path) -> dict[str, dict[str, int | None]]:
    """The result of a mutant, by module; None: not tried."""
    found = {}
    for path in sorted((place / "mutants" / "resolver").rglob("*.meta")):
        name = str(path.relative_to(place / "mutants" / "resolver")).removesuffix(".py.meta")
        found[name] = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def _rows(place: Path, modules: Sequence[str]) -> dict[str, Row]:
    equivalent = _equivalent()
    rows = {}
    for module, codes in _exit_codes(place).items():
        if module not in modules or not any(code is not None for code in codes.values()):
            continue
        tried = [code for code in codes.values() if code is not None]
        survived = [
            _mutant(name, _mutmut(place, "show", name))
            for name, code in codes.items()
            if code in _SURVIVED
        ]
        untested = [mutant for mutant in survived if mutant not in equivalent]
        wrong, not_reached = tried.count(_WRONG_TYPE), tried.count(_NOT_REACHED)
        killed = len(tried) - wrong - not_reached - len(survived)
        equal = len(survived) - len(untested)
        rows[module] = Row(len(tried), wrong, killed, untested, equal, not_reached)
    return rows


def _mutant(name: str, shown: str) -> Mutant:
    """A mutant from its name and from what ``mutmut show`` prints: a unified diff."""
    function = name.removeprefix("resolver.").partition("__mutmut_")[0]
    function = re.sub(r"\.x_?", ".", function, count=1) if "ǁ" not in function else function
    function = function.replace(".xǁ", ".").replace("ǁ", ".")
    lines = shown.splitlines()
    gone = [line[1:].strip() for line in lines if re.match(r"-(?!--)", line)]
    new = [line[1:].strip() for line in lines if re.match(r"\+(?!\+\+)", line)]
    return Mutant(function, " ".join(gone), " ".join(new))


def _equivalent() -> set[Mutant]:
    """The mutants that do the same as the program, of equivalent.toml."""
    path = Path(__file__).with_name("equivalent.toml")
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return {Mutant(item["function"], item["before"], item["after"]) for item in listed}


def _table(rows: dict[str, Row]) -> str:
    lines = [
        "| module | made | of a wrong type | not reached | killed | equivalent | survive |",
        "|---" * 7 + "|",
    ]
    counts = [
        (module, made, wrong, not_reached, killed, equivalent, len(untested))
        for module, (made, wrong, killed, untested, equivalent, not_reached) in rows.items()
    ]
    sums = [sum(column) for column in zip(*(count[1:] for count in counts), strict=True)]
    lines += [f"| {' | '.join(map(str, count))} |" for count in [*counts, ("all", *sums)]]
    for mutant in (mutant for row in rows.values() for mutant in row.untested):
        lines.append(f"\n{mutant.function}\n- {mutant.before}\n+ {mutant.after}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
