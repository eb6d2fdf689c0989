"""The config that a server serves: its file, its state directory, and the snapshot in force.

All parts of the server read it. Only a reload puts another snapshot in force.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from resolver.policy.compiled import CompiledConfig


class ServedConfig:
    """What every part of the server may know; moments are in seconds since 1970."""

    __slots__ = ("_compiled", "_exempted_since", "_loaded", "_snapshot", "file", "started", "state")

    def __init__(
        self, file: Path, state: Path, compiled: CompiledConfig, snapshot: Path, started: float
    ) -> None:
        self.file = file
        """Relative paths in it start at its folder."""
        self.state = state
        """The state directory."""
        self.started = started
        """When the server started."""
        self._compiled = compiled
        self._snapshot = snapshot
        self._loaded = started
        self._exempted_since: Mapping[str, float] = {}

    @property
    def compiled(self) -> CompiledConfig:
        """What is in force."""
        return self._compiled

    @property
    def snapshot(self) -> Path:
        """The directory of the snapshot in force."""
        return self._snapshot

    @property
    def node(self) -> str:
        """The name of this node: what the config calls it, else that of this host."""
        return self._compiled.settings.identity or os.uname().nodename

    @property
    def hash(self) -> str:
        """The hash of the snapshot in force."""
        return self._snapshot.name

    @property
    def loaded(self) -> float:
        """When the snapshot was put in force."""
        return self._loaded

    @property
    def exempted_since(self) -> Mapping[str, float]:
        """When the config got exemptions, by their ids; 0 or none for those of the start."""
        return self._exempted_since

    def put_in_force(self, compiled: CompiledConfig, snapshot: Path, at: float) -> None:
        """Note the snapshot that is in force from a moment on."""
        had = {exemption.id for exemption in self._compiled.exemptions}
        ids = [exemption.id for exemption in compiled.exemptions]
        since = {id_: self._exempted_since.get(id_, 0.0) if id_ in had else at for id_ in ids}
        self._exempted_since = since
        self._compiled, self._snapshot, self._loaded = compiled, snapshot, at
