"""axe-core, the checker of accessibility, from the npm registry by an ordinary npm."""

import hashlib
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live.chromium import Page
from tests.live.programs import lacking

VERSION = "4.14.1"
SCRIPT = Path(__file__).parents[2] / "build" / f"axe-{VERSION}.js"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
"""Of axe.min.js: what runs is what was looked at."""

_RUN = "axe.run(document).then(found => JSON.stringify(found))"
_FAULTS = ("serious", "critical")


def install() -> None:
    """Keep the script below build/, if it is not there."""
    if SCRIPT.exists():
        return
    with TemporaryDirectory() as directory:
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--prefer-offline")
        command = ["npm", "install", *quiet, "--prefix", directory, f"axe-core@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        octets = Path(directory, "node_modules", "axe-core", "axe.min.js").read_bytes()
    SCRIPT.parent.mkdir(exist_ok=True)
    SCRIPT.write_bytes(octets)


def axe() -> str:
    """The script's text."""
    if not SCRIPT.exists():
        lacking("needs axe-core: python -m tests.live.prepare")
    octets = SCRIPT.read_bytes()
    assert hashlib.sha256(octets).hexdigest() == SHA256
    return octets.decode()


def faults(page: Page, script: str) -> list[str]:
    """The serious and critical faults of a page, each with where it is."""
    page.evaluate(script + "; undefined")
    found = json.loads(page.evaluate(_RUN))
    assert len(found["passes"]) > 10, "it has looked at the page"
    return [
        f"{violation['impact']}: {violation['id']}: {violation['help']}: {node['html'][:200]}"
        for violation in found["violations"]
        for node in violation["nodes"]
        if violation["impact"] in _FAULTS
    ]
