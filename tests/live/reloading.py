"""A server whose config is edited and reloaded, and what its workers answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.clients import ask
from tests.live.commands import GOOD, Done, darban
from tests.live.server import Server

DENY = 'deny = ["web.telegram.org"]'
OPEN = "deny = []"
BROKEN = DENY.replace("deny", "denied")
EXPECT = """
[[expect]]
client = "127.0.10.5"
name = "web.telegram.org"
outcome = "blocked"
"""


def reload(server: Server, *options: str) -> Done:
    """What ``darban reload`` says."""
    return darban("reload", *options, at=server.directory)


@contextmanager
def restored(server: Server) -> Iterator[Server]:
    """A running server that tests share, for one of them.

    Its log is checked at the end. A config that the test has changed is put back in force.
    """
    if not server.is_running:
        server.start()
    text = server.config.read_text(encoding="utf-8")
    with server.checked():
        yield server
        if server.config.read_text(encoding="utf-8") != text:
            server.config.write_text(text, encoding="utf-8")
            if server.is_running:
                done = reload(server)
                assert done.code == GOOD, done.out + done.err


def snapshots(server: Server) -> list[Path]:
    """The snapshots on disk."""
    return list((server.state / "snapshots").glob("[!.]*"))


def data(server: Server, name: str, client: str = "127.0.10.5") -> set[str]:
    """What all workers answer: each query is of a port of its own, so each gets some."""
    answers = [ask(server.port, name, client=client) for _ in range(24)]
    assert None not in answers
    return {str(record.rdata) for answer in answers if answer for record in answer.rr}
