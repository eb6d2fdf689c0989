"""siem.md: rsyslog sends both logs over TLS; each line is as its JSON Schema says."""

import json
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.documents.pages import DOCS, blocks
from tests.live.certificates import Certificate, CertificateAuthority
from tests.live.clients import ask
from tests.live.commands import darban
from tests.live.configs import ROOT
from tests.live.debian import host_layer
from tests.live.programs import PLUGINS, has_plugin, lacking, needed
from tests.live.reloading import reload
from tests.live.server import Server
from tests.live.systemd import booted
from tests.live.waiting import wait_for

PAGE = DOCS / "how-to/siem.md"
NAME = "siem.agency.example"
BLOCKS, AUDIT = "darban-blocks", "darban-audit"
MANY = 400
"""Lines that one file of the block log does not hold where ``max_bytes`` is the least."""
SCHEMAS = {BLOCKS: "block-log", AUDIT: "audit-log"}


class Siem:
    """A receiver of RFC 5425 at one port; it may be away."""

    def __init__(self, certificate: Certificate) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.file, certificate.key)
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = int(found.getsockname()[1])
        self.lines: list[tuple[str, dict[str, Any]]] = []
        """The application of each message, and its line."""

    @contextmanager
    def there(self) -> Iterator[Callable[[Callable[[], bool]], None]]:
        """Be there; what is given receives until something holds."""
        with (
            socket.create_server(("127.0.0.1", self.port)) as listening,
            self._context.wrap_socket(listening, server_side=True) as wrapped,
        ):
            wrapped.settimeout(60)
            with wrapped.accept()[0] as connection, connection.makefile("rb") as stream:
                connection.settimeout(60)

                def receive(until: Callable[[], bool]) -> None:
                    while not until():
                        size = int(b"".join(iter(lambda: stream.read(1), b" ")))
                        self._note(stream.read(size).decode())

                yield receive

    def _note(self, message: str) -> None:
        header, text = message.split(" - ", 2)[0], message.partition("{")
        self.lines.append((header.split()[3], json.loads("{" + text[2])))

    def of(self, application: str) -> list[dict[str, Any]]:
        """The lines of an application, in the order of their coming."""
        return [line for found, line in self.lines if found == application]

    def names(self) -> list[str]:
        """The names of the blocked queries."""
        return [line["name"] for line in self.of(BLOCKS)]


@pytest.fixture
def siem(tmp_path: Path) -> Siem:
    if not has_plugin(next(iter(PLUGINS))):
        lacking(f"needs {PLUGINS[next(iter(PLUGINS))]}")
    authority = CertificateAuthority.make(needed("openssl"), tmp_path / "authority")
    return Siem(authority.issue("siem", f"DNS:{NAME}"))


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Callable[[Server, int], None]]:
    """Starts rsyslog with the config of the page."""
    started: list[subprocess.Popen[bytes]] = []
    rsyslogd = needed("rsyslogd")

    def start(server: Server, port: int) -> None:
        config = tmp_path / "rsyslog.conf"
        config.write_text(_config(server.state, port, tmp_path), encoding="utf-8")
        checked = subprocess.run([rsyslogd, "-N1", "-f", config], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        command = (rsyslogd, "-n", "-f", config, "-i", tmp_path / "pid")
        silent = subprocess.DEVNULL
        started.append(subprocess.Popen(command, stdout=silent, stderr=silent))

    yield start
    for popen in started:
        popen.terminate()
        popen.wait(20)


def _config(state: Path, port: int, directory: Path) -> str:
    """The page's config, with paths and an address of the test's own, and an early retry."""
    text = blocks("rsyslog", PAGE)[0].text
    for old, new in (
        ("/var/lib/darban-siem", str(directory)),
        ("/var/lib/darban/", f"{state}/"),
        ("6514", str(port)),
        ("10.0.0.90", "127.0.0.1"),
        ("/etc/ssl/siem-ca.pem", str(directory / "authority/ca.pem")),
        ('action.resumeRetryCount="-1"', 'action.resumeRetryCount="-1" action.resumeInterval="1"'),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


def _ask(server: Server, name: str) -> None:
    assert ask(server.port, name, client="127.0.10.5") is not None


def test_rsyslog_sends_both_logs_also_after_the_siem_was_away(
    make_shipped: Callable[..., Server], siem: Siem, rsyslog: Callable[[Server, int], None]
) -> None:
    server = make_shipped(1)
    with server.config.open("a", encoding="utf-8") as text:
        text.write(blocks("toml", PAGE)[0].text + 'max_bytes = "1MiB"\n')
    server.start()
    log = server.state / "blocks.jsonl"
    _ask(server, "a.telegram.org")
    wait_for(log.exists, "the block is logged")
    rsyslog(server, siem.port)
    with siem.there() as receive:
        receive(lambda: siem.names() == ["a.telegram.org"] and bool(_events(siem)))
    wait_for(lambda: _is_away(server, siem, log), "rsyslog knows that the SIEM is away")
    expected = [f"b{number}.telegram.org" for number in range(MANY)]
    for name in expected:
        _ask(server, name)
    wait_for(lambda: len([*server.state.glob("blocks*.jsonl")]) > 1, "the log is rotated")
    with server.config.open("a", encoding="utf-8") as text:
        text.write("# another text\n")
    assert reload(server).code == 0
    with siem.there() as receive:
        receive(lambda: siem.names()[-MANY:] == expected and _events(siem)[-1] == "reload")
    assert any("another text" in line.get("diff", "") for line in siem.of(AUDIT))
    for application, line in siem.lines:
        schema = json.loads((ROOT / f"deploy/schemas/{SCHEMAS[application]}.json").read_bytes())
        Draft202012Validator(schema).validate(line)
        assert set(line) <= set(schema["properties"])
    [shown] = blocks("json", PAGE)
    assert list(json.loads(shown.text)) == list(siem.of(BLOCKS)[0])
    assert darban("history", "--verify", at=server.directory).code == 0


def _events(siem: Siem) -> list[str]:
    return [line["event"] for line in siem.of(AUDIT) if line["event"] != "sealed"]


def _is_away(server: Server, siem: Siem, log: Path) -> bool:
    """Whether rsyslog has met a closed port; it sends a line each time to find that."""
    _ask(server, "away.telegram.org")
    with socket.socket() as end:
        return end.connect_ex(("127.0.0.1", siem.port)) != 0 and log.exists()


RECEIVER = """
import socket
listening = socket.create_server(("127.0.0.1", 6514))
with open("/run/received", "wb", buffering=0) as file:
    connection, _ = listening.accept()
    while octets := connection.recv(65536):
        file.write(octets)
"""


def test_a_link_leads_to_no_file_that_the_group_may_not_read(
    ip_program: Path, tmp_path: Path
) -> None:
    """Whom the folder of the logs belongs to, may be an attacker."""
    assert ip_program, "a machine is made of namespaces"
    needed("rsyslogd")
    [config, *_] = [block.text for block in blocks("rsyslog", PAGE)]
    without_tls = re.sub(r"\n *StreamDriver.*|defaultNetstreamDriverCAFile=.*", "", config)
    [unit] = [block.text for block in blocks("ini", PAGE)]
    folder = "/var/lib/darban"
    with host_layer(tmp_path) as root, booted(root) as machine:
        machine.good("useradd", "--system", "--user-group", "darban")
        machine.good("install", "-d", "-o", "darban", "-g", "darban", "-m", "750", folder)
        machine.write(f"{folder}/blocks.jsonl", "first\n")
        machine.write("/etc/secret", "secret\n")
        machine.good("chmod", "600", "/etc/secret")
        machine.good("chgrp", "darban", f"{folder}/blocks.jsonl")
        machine.good("ln", "-s", "/etc/secret", f"{folder}/journal.jsonl")
        machine.write("/etc/darban-siem.conf", without_tls.replace("10.0.0.90", "127.0.0.1"))
        machine.write("/etc/systemd/system/darban-siem.service", unit)
        machine.good("systemctl", "daemon-reload")
        machine.good("systemd-run", sys.executable, "-c", RECEIVER)
        # rsyslog tries a closed port again after 30 seconds only.
        listens = "the receiver listens"
        wait_for(lambda: machine.run("test", "-e", "/run/received").code == 0, listens, 60)
        machine.good("systemctl", "start", "darban-siem")

        def received(text: str) -> bool:
            return text in machine.run("cat", "/run/received").out

        wait_for(lambda: received("first"), "the block log is sent")
        machine.good("sh", "-c", f"echo second >>{folder}/blocks.jsonl")
        wait_for(lambda: received("second"), "both files were looked at")
        assert not received("secret")
