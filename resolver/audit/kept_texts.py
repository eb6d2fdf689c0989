"""The texts of configs, and of the hashes of lists, that were in force: by their hashes."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from resolver.snapshot.archive import Archive

_SHORT: Final = 16
"""Digits of the hashes of texts in records of releases before 1.2."""


class KeptTexts:
    """Those in a state directory."""

    def __init__(self, state: Path) -> None:
        self._archive = Archive(state / "configs")

    def keep(self, value: Mapping[str, object]) -> str:
        """Keep a value as a text; its name. OSError where that fails."""
        text = json.dumps(dict(value)).encode()
        name, _ = _names(text)
        self._archive.keep(f"{name}.json", text)
        return name

    def text(self, name: str) -> bytes | None:
        """A text by its name; None where it is not kept, or has another hash."""
        text = self._archive.content(f"{name}.json")
        return text if text is not None and name in _names(text) else None

    def names(self) -> set[str]:
        """The names of the texts that are there, of which some may have been changed."""
        return {name.removesuffix(".json") for name in self._archive.names()}

    def is_changed(self, name: str) -> bool:
        """Whether a text is there, and is not the one that was kept."""
        return self._archive.holds(f"{name}.json") and self.text(name) is None


def _names(text: bytes) -> tuple[str, str]:
    """The name of a text, and that of releases before 1.2."""
    name = hashlib.sha256(text).hexdigest()
    return name, name[:_SHORT]
