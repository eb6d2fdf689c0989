"""Prints what the package is made of, as CycloneDX: `sbom.py VERSION WHEELS REQUIREMENTS`.

The Python packages are those of the wheels that the requirements name, but for setuptools, which
only builds. The same input gives the same octets.
"""

import hashlib
import json
import re
import sys
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as opened:
        [name] = [member for member in opened.namelist() if member.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(opened.read(name).decode())


def _licence(said: Message) -> str:
    """What the package says itself: an SPDX expression, or a few words."""
    words = str(said["License-Expression"] or said["License"] or "").strip()
    return words.partition("\n")[0] or "as its dist-info directory says"


def _component(name: str, wheels: list[Path]) -> dict[str, object]:
    said = _metadata(wheels[0])
    url = f"pkg:pypi/{name}@{said['Version']}"
    hashes = {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
    return {
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": said["Version"],
        "purl": url,
        "licenses": [{"license": {"name": _licence(said)}}],
        "externalReferences": [
            {
                "type": "distribution",
                "url": wheel,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
            for wheel, digest in hashes.items()
        ],
    }


def main(version: str, wheels: str, requirements: str) -> None:
    """Print the whole document."""
    text = Path(requirements).read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", text, re.MULTILINE))
    del pinned["setuptools"]
    components = []
    for name, number in pinned.items():
        matching = sorted(Path(wheels).glob(f"{name.replace('-', '_')}-{number}-*.whl"))
        if matching:  # else it is for another system
            components.append(_component(name, matching))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "darban",
                "name": "darban",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
    }
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
