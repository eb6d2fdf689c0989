"""The law of the compiled package: the same replies and counts as interpreted, octet by octet."""

from pathlib import Path

import pytest

from tests.programs.replay.__main__ import COMPILED, now, played

PACKETS = 6000


@pytest.mark.processes
def test_compiled_and_interpreted_reply_and_count_alike(tmp_path: Path) -> None:
    if not COMPILED.exists():
        pytest.skip("needs the compiled package: make compile")
    differences = played((now(tmp_path, False), now(tmp_path, True)), 11, PACKETS)
    assert differences.packets == 0, differences.report()
