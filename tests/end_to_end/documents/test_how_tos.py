"""The commands of the how-tos, with what the pages show; and the configs of other programs in them.

Each page finds a server with the shipped config, in the folder of its config.toml.
"""

import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents.console import agrees, commands, run
from tests.documents.pages import DOCS, PAGES, blocks
from tests.live.nsd import ANY_V4
from tests.live.programs import needed
from tests.live.server import Server

HOW_TO = DOCS / "how-to"
WITH_COMMANDS = [page for page in PAGES if "how-to" in page.parts and any(commands(page))]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_the_commands_of_a_page(
    make_shipped: Callable[..., Server], ip_program: Path, page: Path
) -> None:
    assert ip_program
    needed("nft")
    server = make_shipped(1).start()
    path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    wrong = []
    for command in commands(page):
        text = command.text.replace("5300", str(server.port))
        output = run(text, server.directory, {"PATH": path, "TZ": "Asia/Tehran"})
        if not agrees(command.shown.replace("149.154.167.99", ANY_V4), output):
            wrong.append(f"$ {command.text}\n{output}")
    assert not wrong, "\n".join(wrong)


def test_the_config_of_kea_is_good(tmp_path: Path) -> None:
    kea = needed("kea-dhcp4")
    [block] = blocks("json", HOW_TO / "dhcp.md")
    path = tmp_path / "kea.json"
    path.write_text(block.text, encoding="utf-8")
    done = subprocess.run([kea, "-t", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
