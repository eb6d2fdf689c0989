"""Debian's Alertmanager with the config of deploy/sites, and who gets its messages: a webhook and a
mail server, which keep what they have got.
"""

import json
import re
import socketserver
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.live.configs import ROOT, replaced_once
from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.running import running
from tests.live.waiting import wait_for

SITES = ROOT / "deploy" / "sites"
Group = tuple[str, str]
"""The name of an alert and the site of a message."""


@dataclass
class Alerting:
    """Alertmanager that runs."""

    port: int
    pages: list[dict[str, Any]] = field(default_factory=list)
    """What the webhook has got, as Alertmanager writes it."""
    mails: list[str] = field(default_factory=list)
    """Their texts."""

    def paged(self) -> list[Group]:
        """The alert and the site of each page, in the order of time."""
        labels: list[Mapping[str, str]] = [page["groupLabels"] for page in self.pages]
        return [(label["alertname"], label.get("site", "")) for label in labels]

    def mailed(self, group: Group) -> int:
        """How many mails there are of an alert and a site."""
        words = [f"alertname = {group[0]}", *([f"site = {group[1]}"] if group[1] else ())]
        return sum(all(word in mail for word in words) for mail in self.mails)

    def inhibited(self) -> int:
        """How many alerts are not sent for another one."""
        path = "alerts?active=false&silenced=false&unprocessed=false&inhibited=true"
        return len(self._get(path))

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self._get("status"))
        except (urllib.error.URLError, ConnectionError):
            return False

    def _get(self, path: str) -> Any:  # noqa: ANN401 - as JSON has it
        url = f"http://127.0.0.1:{self.port}/api/v2/{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def alerting(directory: Path, faster: Mapping[str, str]) -> Iterator[Alerting]:
    """Alertmanager with times that are shorter: ``faster`` has the new one of each."""
    served = Alerting(free_port())
    with _webhook(served.pages) as webhook, _mail_server(served.mails) as mail_server:
        text = (SITES / "alertmanager.yml").read_text(encoding="utf-8")
        smarthost = f"127.0.0.1:{mail_server}\n  smtp_require_tls: false"
        text = replaced_once(text, "mail.ministry.example:25", smarthost)
        text = replaced_once(text, "127.0.0.1:9099", f"127.0.0.1:{webhook}")
        config = directory / "alertmanager.yml"
        config.write_text(with_times(text, faster), encoding="utf-8")
        command: list[str | Path] = [
            *(needed("prometheus-alertmanager"), f"--config.file={config}"),
            *(f"--storage.path={directory}/alertmanager", "--cluster.listen-address="),
            f"--web.listen-address=127.0.0.1:{served.port}",
        ]
        with running(command, directory / "alertmanager.log") as process:
            wait_for(served.is_ready, "Alertmanager answers")
            yield served
            assert process.poll() is None


def with_times(text: str, faster: Mapping[str, str]) -> str:
    """A config of Prometheus or Alertmanager with other times: those of keys that say how long."""
    key = re.compile(r"^( *(?:\w+_(?:interval|wait|timeout)|for): )(\S+)(.*)$", re.MULTILINE)
    return key.sub(lambda found: found[1] + faster.get(found[2], found[2]) + found[3], text)


@contextmanager
def _webhook(pages: list[dict[str, Any]]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            pages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@contextmanager
def _mail_server(mails: list[str]) -> Iterator[int]:
    """SMTP (RFC 5321), as far as a client needs it that sends one mail."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            while command := self.rfile.readline().strip().upper():
                if command == b"DATA":
                    self._say("354 go on")
                    mails.append(self._mail())
                self._say("221 bye" if command == b"QUIT" else "250 ok")

        def _mail(self) -> str:
            lines = iter(self.rfile.readline, b".\r\n")
            message = message_from_bytes(b"".join(lines), policy=policy.default)
            return "".join(part.get_content() for part in message.iter_parts())

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    """A server in threads of its own; its port."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
