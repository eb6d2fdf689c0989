"""A server whose policy comes from a git repository: its config, and what a test does with it."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from resolver.metrics.status import PolicySourceStatus
from tests.live.clients import ask
from tests.live.commands import GOOD, Done, darban
from tests.live.policy_repository import PolicyRepository
from tests.live.ports import free_port
from tests.live.server import Server
from tests.live.waiting import wait_for

LOCAL = """
[server]
listen = ["127.0.0.1:{port}"]
workers = 1
[metrics]
listen = "127.0.0.1:{metrics}"
[upstream]
servers = ["{upstream}"]
[policy_source]
repository = "{repository}"
allowed_signers = "{allowed}"
expires_days = 30
"""


def local_config(repository: PolicyRepository, upstream: str) -> str:
    """The server's own config."""
    return LOCAL.format(
        port=free_port(),
        metrics=free_port(),
        upstream=upstream,
        repository=repository.path,
        allowed=repository.allowed,
    )


def of_policy(make: Callable[[str], Server], repository: PolicyRepository, upstream: str) -> Server:
    """Make a server of the repository's policy; not yet started, nothing pulled."""
    server = make(local_config(repository, upstream))
    server.expect_error("supervisor: ")  # why a pull has failed, which the tests read elsewhere
    return server


def started(server: Server) -> Server:
    """Start it, and wait for its own first pull; the next comes a minute later."""
    server.start()
    pulled = partial(darban, "status", "--json", at=server.directory)
    wait_for(lambda: pulled().json["policy_source"], "it has pulled")
    return server


def pull(server: Server, *options: str | Path) -> Done:
    return darban("pull", *options, at=server.directory)


@dataclass
class SharedPolicy:
    """A server that tests share, and the repository of its policy."""

    server: Server
    repository: PolicyRepository
    _started: float = -math.inf

    def start(self) -> None:
        """Start the server, unless it runs and will not pull by itself in the next 25 seconds."""
        if self.server.is_running and time.monotonic() - self._started < 25:
            return
        if self.server.is_running:
            assert self.server.stop().code == 0
        started(self.server)
        self._started = time.monotonic()

    def put_back(self) -> None:
        """Let the first policy be in force, in the newest commit."""
        state = self.server.state
        (state / "questions.tsv").unlink(missing_ok=True)
        in_force = (state / "policy").resolve().name
        self.repository.git("reset", "--quiet", "--hard", in_force)
        self.repository.begin()
        if self.repository.git("status", "--porcelain"):
            self.repository.commit()
            done = pull(self.server, "--accept")  # fewer names
            assert done.code == GOOD, done.out + done.err


def blocks(server: Server, name: str) -> bool:
    answer = ask(server.port, name, client="127.0.10.5")
    assert answer is not None
    return [str(record.rdata) for record in answer.rr] == ["0.0.0.0"]


def policy_status(server: Server) -> PolicySourceStatus:
    told = darban("status", "--json", at=server.directory).json["policy_source"]
    return PolicySourceStatus(**told)


def history(server: Server) -> list[tuple[str, str]]:
    told = json.loads(darban("history", "--json", at=server.directory).out)
    return [(entry["event"], entry["who"]) for entry in told["entries"]]


def stays(server: Server, commit: str, *names: str) -> PolicySourceStatus:
    """Check that a commit is in force, and does not block these names; the status."""
    for name in names:
        assert not blocks(server, name)
    assert blocks(server, "pager.example")
    status = policy_status(server)
    assert status.commit == commit
    assert (server.state / "policy").resolve().name == commit
    return status
