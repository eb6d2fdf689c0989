"""Every command of the tutorial, in its order, with what the page shows of its output.

The clone and its folder are the test's own. The upstream is the tests' NSD, so the addresses of its
names stand where the page shows those of the Internet.
"""

import os
import sysconfig
from pathlib import Path

import pytest

from tests.documents.console import agrees, commands, run
from tests.documents.pages import DOCS
from tests.live.nsd import ANY_V4
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.server import Server

PAGE = DOCS / "tutorial" / "agency.md"
INTERNET = ("149.154.167.99", "151.101.2.132")
"""What the page shows for names of the Internet."""


@pytest.mark.parametrize("page", [PAGE], ids=["English"])
def test_the_tutorial_is_what_comes(tmp_path: Path, upstream: str, page: Path) -> None:
    needed("dig")
    port, metrics = free_port(), free_port()
    path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    server = Server(tmp_path / "config.toml", port, metrics)
    wrong = []
    try:
        for command in commands(page):
            text, shown = command.text, command.shown.replace("5300", str(port))
            if text == "darban run":
                server.start()
                continue
            text = text.replace("5300", str(port)).replace(
                "darban init", f"darban init --upstream {upstream}"
            )
            output = run(text, tmp_path, {"PATH": path, "TZ": "Asia/Tehran"})
            if "darban init" in text:
                with server.config.open("a", encoding="utf-8") as config:
                    config.write(f'\n[metrics]\nlisten = "127.0.0.1:{metrics}"\n')
            for address in INTERNET:
                shown = shown.replace(address, ANY_V4)
            if not agrees(shown, output):
                wrong.append(f"$ {command.text}\n{output}")
    finally:
        server.kill_what_is_left()
    assert not wrong, "\n".join(wrong)
