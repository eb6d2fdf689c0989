"""Each service of ``deploy/`` is walled in, as `systemd-analyze security` judges it."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.documents.pages import blocks
from tests.live.configs import ROOT
from tests.live.programs import needed

pytestmark = pytest.mark.processes
DEPLOY = ROOT / "deploy"
MOST = 20
"""The largest exposure, in tenths: 100 is a service of root without a wall."""
SHIPPED = {path.name: path.read_text(encoding="utf-8") for path in DEPLOY.rglob("*.service")}


def _on_pages() -> dict[str, str]:
    """The services that the documents give, and the drop-in of one as a part of that."""
    units = [block.text for block in blocks("ini", ROOT / "docs" / "how-to" / "publish.md")]
    [drop_in] = [text for text in units if text.startswith("[Service]")]
    found = {"darban-zones-unbound.service": SHIPPED["darban-zones.service"] + drop_in}
    for unit in units:
        if name := re.match(r"# /etc/systemd/system/(\S+\.service)\n", unit):
            found[name[1]] = unit
    return found


UNITS = SHIPPED | _on_pages()


def test_there_are_enough_of_them() -> None:
    assert len(UNITS) >= 8


def _exceeds(unit: Path) -> subprocess.CompletedProcess[str]:
    command = (needed("systemd-analyze"), "security", "--offline=true", f"--threshold={MOST}", unit)
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", UNITS)
def test_a_service_is_walled_in(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(UNITS[name], encoding="utf-8")
    done = _exceeds(tmp_path / name)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_a_service_without_walls_exceeds_the_most(tmp_path: Path) -> None:
    unit = tmp_path / "open.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    assert _exceeds(unit).returncode == 1
