"""Keys that sign lists, and manifests that they have signed, by the real ssh-keygen."""

import datetime as dt
import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from resolver.lists.manifest import Manifest

TOMORROW = dt.datetime.now(dt.UTC).date() + dt.timedelta(1)


def make_keys(place: Path, *names: str) -> None:
    """Make key pairs."""
    for name in names:
        command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / name)
        subprocess.run(command, check=True)


def allow(place: Path, *keys: str, options: str = "") -> None:
    """Write the file ``signers`` of the keys that may sign."""
    lines = []
    for key in keys:
        kind, text = (place / f"{key}.pub").read_text().split()[:2]
        lines.append(f"{key}@agency.example {options} {kind} {text}\n")
    (place / "signers").write_text("".join(lines))


def manifest(serial: int, lists: Mapping[str, bytes], expires: dt.date = TOMORROW) -> bytes:
    """The manifest of some lists, by their names."""
    files = {name: hashlib.sha256(text).hexdigest() for name, text in lists.items()}
    return Manifest(serial, expires, files).text().encode()


def signature(content: bytes, key: Path, namespace: str = "darban-lists") -> bytes:
    """What ``ssh-keygen -Y sign`` writes."""
    command = ("ssh-keygen", "-Y", "sign", "-n", namespace, "-f", key)
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout
