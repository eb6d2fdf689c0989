"""Loading a config: what it says, and everything that is wrong with it, at once.

How it works: ``gathering`` reads the files into one document, ``validation`` makes the
model of all that it understands, ``crosscheck`` and ``cautions`` judge what remains. No
step stops at the first problem, and none complains about what an earlier problem caused.

What must stay true: ``load`` raises for nothing that a file can contain.
"""

from dataclasses import dataclass

from resolver.config import crosscheck, warnings
from resolver.config.model import Config
from resolver.config.problems import Problem
from resolver.config.provenance import Provenance
from resolver.config.reading import ConfigFiles, read_merged
from resolver.config.validation import validate

__all__ = ["ConfigFiles", "LoadedConfig", "load"]


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A config and its problems; with an error among them it must not be put in force."""

    config: Config
    """All that could be understood, for further checks."""
    problems: list[Problem]
    provenance: Provenance
    """Makes the problems of later checks, with file and line."""


def load(path: str, files: ConfigFiles) -> LoadedConfig:
    """Read a config with the files it includes, and judge it as far as it can be by itself.

    What needs the block lists (services, categories, rules) or a clock is judged later.
    """
    merged, unread = read_merged(path, files)
    config, provenance, misunderstood = validate(merged)
    problems = [
        *unread,
        *misunderstood,
        *crosscheck.check(config, provenance),
        *warnings.check(config, provenance),
    ]
    problems.sort(key=lambda each: (each.file != path, each.file, each.line or 0))
    return LoadedConfig(config, problems, provenance)
