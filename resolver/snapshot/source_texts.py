"""What people have written of the policy in force: its config, and lists of their own.

Lists that are fetched come at any hour, and nobody watches. What people have edited meanwhile
and not reloaded must not go in force with them, so the config is then compiled as it stands
here, and with lists of their own only as they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceTexts:
    """The files of a policy in force, as they were when it was put in force."""

    texts: Mapping[str, str]
    """The config by its files, seen from where it lies: config.toml, then what it includes."""
    lists: Mapping[str, str]
    """The SHA-256 of each list that is not fetched, by its file."""
