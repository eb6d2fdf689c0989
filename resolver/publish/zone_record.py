"""What the zones of a directory were made from, so that only those are made that would differ.

The record is believed for a zone only while the zone's file has the body that was written. A
record that is lost, damaged or of another version makes the writer make all zones again.
"""

import functools
import hashlib
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from resolver import __version__
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.publish.zone_inputs import index_hash, rule_hashes

RECORD = "inputs.json"
"""The file of the record."""


@dataclass(frozen=True, slots=True)
class MadeZone:
    """What a zone was made from, and its body."""

    inputs: str
    """The hash of what decides it (``zone_inputs``)."""
    body: str
    """The SHA-256 of its file without the head."""
    changes: list[str]
    """What is otherwise than the policy says, since names are too long."""


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """What the zones of a directory were made from."""

    index: str = ""
    """The ``index_hash`` of the rules that ``rules`` are of."""
    rules: list[str] = field(default_factory=list)
    """The ``rule_hashes``."""
    zones: dict[str, MadeZone] = field(default_factory=dict)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The record of a directory; an empty one where it is missing or damaged."""
        try:
            plain = json.loads((directory / RECORD).read_bytes())
            zones = {name: MadeZone(**each) for name, each in plain.pop("zones").items()}
            return cls(**plain, zones=zones)
        except (FileNotFoundError, ValueError, TypeError, LookupError, AttributeError):
            return cls()

    def octets(self) -> bytes:
        """The content of its file."""
        return json.dumps(asdict(self)).encode()

    def of_rules(self, compiled: CompiledConfig, index: Index) -> Self:
        """A record without zones for the rules of a snapshot; it may be the same rules."""
        found = index_hash(index)
        rules = self.rules if found == self.index and self.rules else rule_hashes(compiled, index)
        return type(self)(found, rules)


@functools.cache
def program() -> str:
    """A hash of this program: another version may make other zones of the same policy."""
    digest = hashlib.sha256(__version__.encode())
    package = __name__.partition(".")[0]
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.partition(".")[0] == package:
            digest.update(f"{name} {hashlib.sha256(Path(file).read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()
