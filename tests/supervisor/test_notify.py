"""The notification protocol, where the service manager does not read."""

import contextlib
import socket
import time
from pathlib import Path

import pytest

from resolver.supervisor import notify


def test_a_manager_that_does_not_read_takes_no_cpu_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "notify")
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filling,
    ):
        manager.bind(path)
        filling.setblocking(False)
        filling.connect(path)
        with contextlib.suppress(BlockingIOError):
            while filling.send(b"WATCHDOG=1"):
                pass
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        monkeypatch.setattr(notify, "_TIMEOUT", 0.3)
        before = time.thread_time()
        notify.ServiceManager().keep_alive()
        assert time.thread_time() - before < notify._TIMEOUT / 2, "it has waited, and not tried"
