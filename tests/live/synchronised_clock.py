"""A clock that says that it is synchronised, for a process on a machine whose clock is not."""

import subprocess
from pathlib import Path

from tests.live.programs import needed


def synchronised_clock(place: Path) -> dict[str, str]:
    """The environment in which adjtimex(2) says TIME_OK; makes a library in a directory."""
    source, library = place / "clock.c", place / "clock.so"
    source.write_text("int adjtimex(void *timex) { (void)timex; return 0; }\n", encoding="ascii")
    subprocess.run([needed("gcc"), "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library)}
