"""The lab of deploy/lab, run as it is shipped."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.configs import ROOT
from tests.live.programs import needed
from tests.live.server import DARBAN, processes
from tests.live.waiting import wait_for

SCRIPT = ROOT / "deploy/lab/lab.sh"
PROGRAMS = ("dig", "dnsdist", "git", "ip", "knotd", "named", "prometheus", "sshd", "ssh-keygen")


@dataclass(frozen=True)
class Lab:
    """The lab while it runs; ``pid_file`` is where it is found."""

    pid_file: Path
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the script is told."""
        return _environment(self.pid_file)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the script with a command."""
        return subprocess.run(
            [SCRIPT, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def within(self, box: str, *command: str) -> str:
        """What a command prints in a box; it must end well."""
        done = self.run("in", box, *command)
        assert done.returncode == 0, f"{box}: {command}: {done.stdout}{done.stderr}"
        return done.stdout

    def address(self, client: str, server: str, name: str = "web.telegram.org") -> str:
        """The address that a client gets, or what dig says instead."""
        asked = ("dig", "-b", client, f"@{server}", name, "+short", "+tries=1", "+timeout=2")
        return self.run("in", "clients", *asked).stdout.strip().rpartition("\n")[2]

    def query(self, expression: str) -> str:
        """What Prometheus gives for an expression, a series a line."""
        asked = ("promtool", "query", "instant", "http://10.0.0.90:9090", expression)
        return self.within("noc", *asked)

    def processes(self) -> list[int]:
        """The processes of the lab, as this machine sees them."""
        told = f"LAB_PID={self.pid_file}".encode()
        return [pid for pid, _, _ in processes() if told in _variables(pid)]


def _variables(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended meanwhile
        return []


def _environment(pid_file: Path) -> dict[str, str]:
    return {**os.environ, "LAB_PID": str(pid_file), "DARBAN": str(DARBAN)}


@contextmanager
def lab(directory: Path) -> Iterator[Lab]:
    """Run it while it is wanted."""
    for program in PROGRAMS:
        needed(program)
    pid_file, log = directory / "pid", directory / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [SCRIPT, "up"],
            env=_environment(pid_file),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        wait_for(lambda: _is_up(process, log), "the lab is up", 120)
        yield Lab(pid_file, process, log)
    finally:
        process.terminate()
        process.wait(20)


def _is_up(process: "subprocess.Popen[bytes]", log: Path) -> bool:
    text = log.read_text(encoding="utf-8", errors="replace")
    assert process.poll() is None, f"the lab has ended: {text}"
    return "The lab is up." in text
