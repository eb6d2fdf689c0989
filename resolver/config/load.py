"""Load a config: its values, and everything that is wrong with it, at once.

How it works: ``reading`` merges the files into one document, ``inheritance`` gives each policy what
it inherits, ``validation`` makes the model of all that is valid, ``crosscheck`` and ``warnings``
check the rest. No step stops at the first problem, and none reports a consequence of an earlier
problem.

What must stay true: nothing that a file contains makes ``load`` raise.
"""

from dataclasses import dataclass

from resolver.config import crosscheck, inheritance, warnings
from resolver.config.model import Config
from resolver.config.problems import Problem, without_repeats
from resolver.config.provenance import Provenance
from resolver.config.reading import ConfigFiles, read_merged
from resolver.config.validation import validate


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A config and its problems; a config with an error must not be put in force."""

    config: Config
    """All that is valid, for further checks."""
    problems: list[Problem]
    provenance: Provenance
    """Gives file and line to the problems of later checks."""


def load(path: str, files: ConfigFiles) -> LoadedConfig:
    """Read a config with the files it includes, and check what it takes no other input for.

    What needs the block lists (services, categories, rules) or a clock is checked later.
    """
    merged, unreadable = read_merged(path, files)
    merged, circles = inheritance.resolve(merged)
    config, provenance, invalid = validate(merged)
    problems = without_repeats(
        [
            *unreadable,
            *circles,
            *invalid,
            *crosscheck.check(config, provenance),
            *warnings.check(config, provenance),
        ]
    )
    problems.sort(key=lambda problem: (problem.file != path, problem.file, problem.line or 0))
    return LoadedConfig(config, problems, provenance)
