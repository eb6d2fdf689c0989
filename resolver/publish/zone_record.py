"""What the zones of a directory were made from, so that only those are made that may differ.

After a change of the config or of a list, all zones are made. What begins or ends, as exemptions
and hours do, makes the zones that have it. The record is believed for a zone only while the zone's
file has the body that was written. One that is lost, damaged or of another version makes the writer
make all zones again.

What must stay true:
- The hash has everything that ``policy_zones`` and ``zone_text`` read.
- It does not depend on the clock.
"""

import functools
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from resolver import __version__
from resolver.policy import codec
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.publish.policy_zones import PolicyZone

RECORD = "inputs.json"
"""The file of the record."""


@dataclass(frozen=True, slots=True)
class MadeZone:
    """What a zone was made from, and its body."""

    inputs: str
    """The hash of what decides it (``ZoneInputs``)."""
    body: str
    """The SHA-256 of its file without the head."""


def read_record(directory: Path) -> dict[str, MadeZone]:
    """What the zones of a directory were made from, by their names; none where it is damaged."""
    try:
        plain = json.loads((directory / RECORD).read_bytes())
        return {name: MadeZone(**each) for name, each in plain.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def record_octets(zones: Mapping[str, MadeZone]) -> bytes:
    """The content of the file of a record."""
    return json.dumps({name: asdict(each) for name, each in zones.items()}).encode()


class ZoneInputs:
    """The hashes of what decides the zones of a snapshot."""

    def __init__(self, compiled: CompiledConfig, index: Index, program: str) -> None:
        """``program`` stands for the code that makes zones."""
        digest = hashlib.sha256()
        for octets in index.buffers:
            digest.update(len(octets).to_bytes(8, "big"))
            digest.update(octets)
        lasting = replace(compiled, exemptions=(), exempted_prefixes=(), policy_hash="")
        self._lasting = _hash(program, lasting, digest.hexdigest())

    def hash(self, zone: str, of: PolicyZone) -> str:
        """The hash of what decides a zone with this name."""
        in_force = tuple(
            (each.services, each.exempt, each.default_blocks) for each in (of.view.effect, of.base)
        )
        passing = tuple((each.network, each.length) for each in of.passing)
        return _hash(self._lasting, zone, in_force, of.addresses, passing)


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


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps(codec.encode(values)).encode()).hexdigest()
