"""Commands that change the config at the same time: none undoes what another says it has done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resolver.cli import activation
from resolver.cli.server import PATIENCE, hash_in_force
from resolver.supervisor import control_client
from tests.live.clients import ask
from tests.live.commands import GOOD, WRONG, Done, darban
from tests.live.configs import replaced_once
from tests.live.server import Server

CLIENTS = ("127.0.10.21", "127.0.10.22", "127.0.10.23", "127.0.10.24")
BY = ("--for", "2h", "--approver", "Head of PR", "--ticket", "PR-2031")


@pytest.fixture
def server(make_shipped: Callable[..., Server]) -> Server:
    server = make_shipped(workers=1)
    server.expect_error("exempt by|meanwhile")
    return server.start()


def _data(server: Server, client: str) -> str:
    answer = ask(server.port, "web.telegram.org", client=client)
    assert answer is not None
    return str(answer.rr[0].rdata)


def test_of_several_at_once_those_that_say_so_are_written_and_in_force(server: Server) -> None:
    def exempt(client: str) -> Done:
        return darban("exempt", client, "telegram", *BY, at=server.directory)

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(exempt, CLIENTS))
    good = {client for client, item in zip(CLIENTS, done, strict=True) if item.code == GOOD}
    text = server.config.read_text(encoding="utf-8")
    assert good
    assert good == {client for client in CLIENTS if _data(server, client) != "0.0.0.0"}
    assert good == {client for client in CLIENTS if f'"{client}/32"' in text}
    said = [item.out + item.err for item in done if item.code != GOOD]
    assert [text for text in said if "run this command again" not in text] == []


def test_a_config_made_from_another_than_that_in_force_is_refused(server: Server) -> None:
    text = server.config.read_text(encoding="utf-8") + "# a note\n"
    request = {"command": "activate", "event": "reload", "texts": {"config.toml": text}}
    in_force = control_client.ask(server.config, {"command": "in-force"}, 5.0)["snapshot"]

    refused = control_client.ask(server.config, {**request, "before": "0123456789abcdef"}, 60.0)
    assert (refused["result"], refused["code"]) == ("failed", WRONG)
    assert refused["report"] == [
        "another config or list was put in force meanwhile; run this command again"
    ]
    accepted = control_client.ask(server.config, {**request, "before": in_force}, 60.0)
    assert (accepted["result"], accepted["code"]) == ("unchanged", GOOD)


def test_a_reload_before_the_files_are_written_does_not_undo_the_activation(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = server.config.read_text(encoding="utf-8")
    texts = {"config.toml": replaced_once(old, "deny = []", 'deny = ["later.example"]')}
    commands: list[str] = []

    def ask_and_reload(config: Path, command: str, *patience: float, **given: object) -> object:
        answer = control_client.ask(config, {"command": command, **given}, *patience)
        if not commands:
            control_client.ask(config, {"command": "reload"}, PATIENCE)
        commands.append(command)
        return answer

    monkeypatch.setattr(activation, "ask", ask_and_reload)
    answer = activation.activate(server.config, texts, "reload", hash_in_force(server.config))
    assert (answer["result"], commands) == ("applied", ["activate", "reload"])
    assert server.config.read_text(encoding="utf-8") == texts["config.toml"]
    denied = ask(server.port, "later.example", client=CLIENTS[0])
    assert denied is not None
    assert str(denied.rr[0].rdata) == "0.0.0.0"

    activation.activate(server.config, {"config.toml": old}, "reload", answer["snapshot"])
    assert commands[2:] == ["activate"]
