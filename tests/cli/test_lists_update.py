"""``darban lists update``, where the server has begun another update meanwhile."""

import json
import socket
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from resolver.cli.lists import update
from resolver.fetch.update_job import UpdateJob, UpdateResult


def test_a_command_asks_for_the_job_that_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    failed = UpdateJob(["a"], results={"a": UpdateResult("failed", 1, "why")}, done=True, number=7)
    asked: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "control.sock"))
        listening.listen()

        def answer() -> None:
            for job in (UpdateJob(["a"], number=7), failed):
                end, _ = listening.accept()
                with end:
                    asked.append(json.loads(end.recv(1 << 16)))
                    end.sendall(json.dumps(asdict(job)).encode() + b"\n")

        thread = threading.Thread(target=answer)
        thread.start()
        code = update(["a"], config=tmp_path / "config.toml")
        thread.join()
    assert [each["command"] for each in asked] == ["update-lists", "lists"]
    assert asked[1]["job"] == 7
    assert (code, capsys.readouterr().out) == (1, "a: failed, 1 name: why\n")
