"""Answers of the control socket, on which another program may answer."""

import json
import socket
import threading
from pathlib import Path

import pytest

from resolver.cli.server import ask
from resolver.supervisor.control_client import Unreachable


def test_the_texts_of_an_answer_can_be_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    answer = {"version": "\x1b[2J", "vlans": [{"name\x9b": "\u202e", "queries": 5}]}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "control.sock"))
        listening.listen()

        def forge() -> None:
            end, _ = listening.accept()
            with end:
                end.recv(1 << 16)
                end.sendall(json.dumps(answer).encode() + b"\n")

        thread = threading.Thread(target=forge)
        thread.start()
        told = ask(tmp_path / "config.toml", "status")
        thread.join()
    assert told == {"version": "\\u001b[2J", "vlans": [{"name\\u009b": "\\u202e", "queries": 5}]}


def test_a_server_that_does_not_answer_in_time_is_not_to_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "control.sock"))
        listening.listen()
        with pytest.raises(Unreachable) as caught:
            ask(tmp_path / "config.toml", "status", 0.1)
    said = f"{tmp_path / 'control.sock'}: a server listens there and has not answered for 0.1 s"
    assert str(caught.value).startswith(said)
    assert "start it" not in str(caught.value)
