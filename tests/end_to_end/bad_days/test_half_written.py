"""What a killed server has left half-written is gone after the next start."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.server import Server
from tests.live.subscribed import SUBSCRIBED
from tests.live.waiting import wait_for


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a list whose server accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/ads"


def _aside(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob(".*-????????????????"))


def test_lists_that_a_release_before_1_4_kept(make_small: Callable[..., Server]) -> None:
    server = make_small()
    kept = server.state / "kept-lists"
    kept.mkdir(parents=True)
    (kept / "a.gz").write_bytes(b"")
    server.start()
    assert not kept.exists()


def test_a_download_of_a_server_that_was_killed(
    silent: str, make_small: Callable[..., Server]
) -> None:
    server = make_small(more=SUBSCRIBED.replace("URL", silent))
    server.start()
    lists = server.state / "lists"
    [left] = wait_for(lambda: _aside(lists) if lists.is_dir() else [], "the download has begun")
    server.kill_what_is_left()
    assert _aside(lists) == [left]
    server.start()
    assert left not in _aside(lists)
    wait_for(lambda: _aside(lists), "the download has begun again")
