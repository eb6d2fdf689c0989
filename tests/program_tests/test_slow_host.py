"""``make test-slow-host`` freezes what the tests start: it stands still, and its clock goes on."""

import os
import subprocess
import sys
import time

import pytest

from tests.live.programs import lacking
from tests.programs.slow_host import INTO, freezer

pytestmark = pytest.mark.processes

_TICKS = """
import time
last = time.monotonic()
while True:
    time.sleep(0.01)
    now = time.monotonic()
    print(now - last, flush=True)
    last = now
"""
_PAUSE = 1.0


def test_a_process_of_the_group_stands_still_and_sees_the_time_pass() -> None:
    if os.geteuid():
        lacking("needs root, who may make control groups")
    with freezer("darban-test") as group:
        command = ["sh", "-c", INTO, str(group.directory), sys.executable, "-c", _TICKS]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as ticking:
            assert ticking.stdout is not None
            assert ticking.stdout.readline()
            group.freeze()
            time.sleep(_PAUSE)  # what is shown: nothing happens meanwhile
            group.thaw()
            assert any(float(gap) > _PAUSE / 2 for gap in ticking.stdout)
            ticking.kill()
