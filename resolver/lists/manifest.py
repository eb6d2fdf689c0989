"""The manifest of signed lists: what their publisher signs.

It has the name and the SHA-256 of each file, so no list can be put in the place of another one; a
serial, so no old list can be put in the place of a newer one; and a day, after which it has
expired, so nobody can withhold new lists for ever unseen. It is a JSON object:

    {"format": 1, "serial": 2026120301, "expires": "2027-03-01", "files": {"ads.txt": "9f2c..."}}
"""

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from resolver import DarbanError

MANIFEST: Final = "manifest.json"
"""The name of the file, in the directory of the lists."""
SIGNATURE: Final = f"{MANIFEST}.sig"
"""The file with its signature, as ``ssh-keygen -Y sign`` names and writes it."""
MAX_BYTES: Final = 1 << 20
"""Of each of the two."""

_FORMAT: Final = 1
_KEYS: Final = ("format", "serial", "expires", "files")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class InvalidManifest(DarbanError):
    """A file that is no manifest; the message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a publisher says of its lists."""

    serial: int
    """Above 0, and higher than that of the manifest before."""
    expires: dt.date
    """The last day on which it holds, UTC."""
    files: Mapping[str, str]
    """The SHA-256 of each file, by its name."""

    def expiry_problem(self, wall: float) -> str:
        """That its last day is over; empty where it is not. ``wall`` is in seconds since 1970."""
        is_over = dt.datetime.fromtimestamp(wall, dt.UTC).date() > self.expires
        return f"{MANIFEST} has expired: it held until {self.expires}" if is_over else ""

    def serial_problem(self, before: "Manifest") -> str:
        """Why it cannot follow another one, which is in force; empty where it can."""
        if self.serial > before.serial or self == before:
            return ""
        other = "lower than" if self.serial < before.serial else "that of another manifest than"
        return f"its serial {self.serial} is {other} {before.serial}, which is in force"

    def text(self) -> str:
        """The manifest as a file."""
        files = dict(sorted(self.files.items()))
        expires = self.expires.isoformat()
        plain = {"format": _FORMAT, "serial": self.serial, "expires": expires, "files": files}
        return json.dumps(plain, indent=2) + "\n"


def read_manifest(content: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        InvalidManifest: it is none, or of another format.
    """
    try:
        plain = json.loads(content.decode())
    except (ValueError, RecursionError):
        raise InvalidManifest(f"{MANIFEST} is no JSON") from None
    if not isinstance(plain, dict) or plain.get("format") != _FORMAT:
        raise InvalidManifest(f"{MANIFEST} is no manifest of format {_FORMAT}")
    if set(plain) != set(_KEYS):
        raise InvalidManifest(f"{MANIFEST} has other keys than {', '.join(_KEYS)}")
    serial, files = plain["serial"], plain["files"]
    if type(serial) is not int or serial < 1:
        raise InvalidManifest(f"the serial of {MANIFEST} is no whole number above 0")
    if not isinstance(files, dict) or not all(map(_is_file, files.items())):
        raise InvalidManifest(f"'files' of {MANIFEST} is no table of names and SHA-256")
    try:
        expires = dt.date.fromisoformat(plain["expires"])
    except (TypeError, ValueError):
        raise InvalidManifest(f"'expires' of {MANIFEST} is no day such as 2027-03-01") from None
    return Manifest(serial, expires, files)


def _is_file(entry: tuple[str, object]) -> bool:
    name, sha256 = entry
    is_hash = isinstance(sha256, str) and _SHA256.fullmatch(sha256) is not None
    return is_hash and name.isprintable() and name not in ("", ".", "..") and "/" not in name
