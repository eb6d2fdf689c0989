"""Lists of others by HTTPS: a config that subscribes to one, and what a test does with it."""

from tests.fetch.source_server import response
from tests.live.clients import ask
from tests.live.commands import Done, darban
from tests.live.server import Server

CLIENT = "127.0.30.5"
SUBSCRIBED = """
[lists.sources.ads]
url = "URL"
format = "hosts"
category = "advertising"
[policies.strict]
block = ["@advertising"]
[vlans.strict]
prefixes = ["127.0.30.0/24"]
policy = "strict"
"""
PASSES_OPEN = """
[[expect]]
client = "127.0.30.5"
name = "open.example"
outcome = "passed"
"""
"""An expectation that fails with a list that has open.example."""


def hosts(*names: str, **headers: str) -> bytes:
    return response("".join(f"0.0.0.0 {name}\n" for name in names).encode(), **headers)


def blocked(server: Server, name: str) -> bool:
    answer = ask(server.port, name, client=CLIENT)
    assert answer is not None
    return [str(record.rdata) for record in answer.rr] == ["0.0.0.0"]


def run(server: Server, *arguments: str) -> Done:
    return darban(*arguments, "--config", server.config, at=server.directory)
