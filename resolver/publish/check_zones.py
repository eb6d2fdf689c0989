"""The last line of a zone file, by which a script finds whether the file is whole.

Each engine takes a file that has lost lines for a good zone, and lets their names pass. The line is
a comment, so a file and its line are always replaced together. ``SCRIPT`` runs before each start of
an engine that reads such files, and before each load (``check_zones.sh``).
"""

import hashlib
from pathlib import Path
from typing import Final

SCRIPT: Final = Path(__file__).with_suffix(".sh").read_text(encoding="utf-8")
"""It fails where a zone file has not the lines that were written."""
LONGEST: Final = 128
"""The octets of the line at most."""


class ZoneChecksum:
    """The count and the hash of the lines of a file."""

    __slots__ = ("_digest", "_lines")

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._lines = 0

    def add(self, lines: bytes) -> None:
        """Count what comes next in the file."""
        self._digest.update(lines)
        self._lines += lines.count(b"\n")

    def line(self) -> bytes:
        """The last line of the file."""
        return f"; {self._lines} lines above, SHA-256 {self._digest.hexdigest()}\n".encode()
