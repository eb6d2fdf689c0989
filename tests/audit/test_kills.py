"""A writer that is killed at any moment leaves a log that is whole.

``KILLS=200 pytest tests/audit/test_kills.py`` kills it more often.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resolver.audit import journal
from resolver.audit.journal import JOURNAL
from resolver.audit.reading import Reading

_KILLS = int(os.environ.get("KILLS", "10"))
_LONGEST = 100_000
"""Octets at which a file is closed."""
_WRITER = """
import sys
from pathlib import Path
from resolver.audit import journal
from resolver.audit.clock import read_clock

journal._LONGEST = int(sys.argv[2])
log = journal.Journal(Path(sys.argv[1]))
while True:
    head = log.append(read_clock(), "reload", who="x" * 5000)
    print(head.number, flush=True)
"""


@pytest.mark.processes
def test_kills_at_random_moments_are_no_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_LONGEST", _LONGEST)
    chosen, state = random.Random(1), tmp_path / "state"
    for _ in range(_KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(state), str(_LONGEST)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(chosen.randint(1, 30))]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().splitlines() if line]
        process.wait()
        process.stdout.close()
        reading = Reading(state)
        numbers = [record.number for record in reading.records()]
        assert reading.breaks == []
        assert numbers[-1] >= told[-1], "what was published is there"
    assert (state / JOURNAL).exists()
