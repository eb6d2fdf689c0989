"""The commands of the how-tos, with what the pages show; and the configs of other programs in them.

Each page finds a server with the shipped config, in the folder of its config.toml.
"""

import json
import os
import socket
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
from tests.live.waiting import wait_for

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


def test_rsyslog_sends_what_is_blocked(make_shipped: Callable[..., Server], tmp_path: Path) -> None:
    rsyslogd, dig = needed("rsyslogd"), needed("dig")
    server = make_shipped(1)
    [log] = blocks("toml", HOW_TO / "siem.md")
    with server.config.open("a", encoding="utf-8") as text:
        text.write(log.text)
    server.start()
    [shown] = blocks("json", HOW_TO / "siem.md")
    with socket.create_server(("127.0.0.1", 0)) as siem:
        config = tmp_path / "rsyslog.conf"
        config.write_text(_rsyslog(server.state, siem.getsockname()[1], tmp_path), "utf-8")
        checked = subprocess.run([rsyslogd, "-N1", "-f", config], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        name = ("-b", "127.0.10.5", "-p", str(server.port), "@127.0.0.1", "web.telegram.org")
        subprocess.run([dig, *name], capture_output=True, check=True)
        wait_for(lambda: (server.state / "blocks.jsonl").exists(), "the block is logged")
        command = (rsyslogd, "-n", "-f", config, "-i", tmp_path / "pid")
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            try:
                siem.settimeout(20)
                with siem.accept()[0] as connection, connection.makefile("rb") as lines:
                    connection.settimeout(20)
                    record = json.loads(lines.readline())
            finally:
                process.terminate()
    assert list(record) == list(json.loads(shown.text))
    assert (record["vlan"], record["name"]) == ("administration", "web.telegram.org")
    assert record["client"] == "127.0.10.0/24"


def _rsyslog(state: Path, port: int, directory: Path) -> str:
    """The page's config, with paths and an address of the test's own."""
    [block] = blocks("rsyslog", HOW_TO / "siem.md")
    text = block.text.replace("/var/lib/darban", str(state)).replace("6514", str(port))
    return f'global(workDirectory="{directory}")\n' + text.replace("10.0.0.90", "127.0.0.1")
