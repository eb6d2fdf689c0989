"""A server that listens on every address replies from the one that was asked."""

import re
from collections.abc import Callable

import pytest

from tests.live.clients import ask
from tests.live.server import Server


@pytest.mark.parametrize(
    ("listen", "server", "client"),
    [("0.0.0.0", "127.0.0.7", "127.0.20.5"), ("[::]", "::1", "::1")],
)
def test_a_reply_leaves_from_the_address_that_was_asked(
    make_small: Callable[..., Server],
    make: Callable[[str], Server],
    listen: str,
    server: str,
    client: str,
) -> None:
    small = make_small()
    text = small.config.read_text(encoding="utf-8")
    everywhere = make(re.sub("listen = .*", f'listen = ["{listen}:{small.port}"]', text, count=1))
    everywhere.start()
    # A connected socket hears nothing from another address than the one that it asked.
    answer = ask(small.port, "localhost", client=client, server=server)
    assert answer is not None
    assert answer.rr
