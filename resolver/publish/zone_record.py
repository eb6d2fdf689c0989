"""What the zones of a directory were made from (``zone_inputs``), and what was written.

The record is believed for a zone only while the zone's file has the body that was written. One that
is lost, damaged or of another version makes the writer make all zones again.
"""

import functools
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from resolver import __version__

RECORD = "inputs.json"
"""The file of the record."""


@dataclass(frozen=True, slots=True)
class MadeZone:
    """What a zone was made from, and its body."""

    inputs: str
    """The hash of what decides it (``zone_inputs``)."""
    body: str
    """The SHA-256 of its file without the head."""


def read_record(directory: Path) -> dict[str, MadeZone]:
    """What the zones of a directory were made from, by their names; none where it is damaged."""
    try:
        plain = json.loads((directory / RECORD).read_bytes())
        return {name: MadeZone(**fields) for name, fields in plain.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def record_octets(zones: Mapping[str, MadeZone]) -> bytes:
    """The content of the file of a record."""
    return json.dumps({name: asdict(zone) for name, zone in zones.items()}).encode()


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
