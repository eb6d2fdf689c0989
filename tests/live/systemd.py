"""A Debian that runs: systemd as process 1 of namespaces of its own, with loopback alone."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.fake_clock import real_clock
from tests.live.waiting import wait_for

_BOOT = Path(__file__).with_name("boot.sh")
_UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc")
_OFFLINE = ("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels", "HOME=/root")


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str


@dataclass(frozen=True)
class Machine:
    """The running system; ``root`` is its file system as seen from here."""

    root: Path
    init: int

    @property
    def into_network(self) -> list[str]:
        """The command that runs a program of this host in its network."""
        return ["nsenter", f"--target={self.init}", "--net"]

    def run(self, *command: str | Path, seconds: float = 120) -> Done:
        """Run a program of the system in it."""
        into = ["nsenter", f"--target={self.init}"]
        into += ["--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"]
        done = subprocess.run(
            [*into, "env", "-C", "/src", *_OFFLINE, *command],
            env=real_clock(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=seconds,
        )
        return Done(done.returncode, done.stdout)

    def good(self, *command: str | Path, seconds: float = 120) -> str:
        """What a program prints that must end well."""
        done = self.run(*command, seconds=seconds)
        assert done.code == 0, f"{command}: {done.out}\n{self.journal()}"
        return done.out

    def show(self, what: str) -> str:
        """A property of the service."""
        return self.good("systemctl", "show", "--value", f"--property={what}", "darban").strip()

    def journal(self) -> str:
        """What Darban's services, and systemd of them, have logged."""
        return self.run("journalctl", "--no-pager", "--unit=darban*", "--output=cat").out

    def write(self, path: str, text: str) -> None:
        """Write a file of the system."""
        (self.root / path.lstrip("/")).write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        """A file of the system."""
        return (self.root / path.lstrip("/")).read_text(encoding="utf-8")


@contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """Boot the Debian in a directory, and end it afterwards."""
    group = f"darban-tests-{os.getpid()}"
    command = (*_UNSHARE, "sh", _BOOT, root, group)
    process = subprocess.Popen(command, env=real_clock(), stdin=subprocess.DEVNULL)
    try:
        init = wait_for(lambda: _systemd(process), "systemd is process 1", 30)
        machine = Machine(root, init)
        wait_for(lambda: _is_up(machine), "systemd has booted", 60)
        yield machine
    finally:
        process.send_signal(signal.SIGKILL)  # and with it, process 1 and all below
        process.wait(10)
        _remove_group(group)


def _systemd(unshare: "subprocess.Popen[bytes]") -> int:
    """The process ID of process 1, once it is systemd."""
    assert unshare.poll() is None, "it does not boot"
    children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().split()
    if not children:
        return 0
    name = Path(f"/proc/{children[0]}/comm").read_text().strip()
    return int(children[0]) if name == "systemd" else 0


def _is_up(machine: Machine) -> bool:
    said = machine.run("systemctl", "is-system-running").out.strip()
    return said in ("running", "degraded")


def _remove_group(name: str) -> None:
    """Remove the control groups that it has left; the kernel needs a moment for its dead."""
    script = """
        mount -t cgroup2 none /sys/fs/cgroup && cd /sys/fs/cgroup || exit 1
        for try in 1 2 3 4 5 6 7 8 9 10; do
          find "$1" -depth -type d -exec rmdir {} \\; 2>/dev/null
          [ -d "$1" ] || exit 0
          sleep 0.2
        done
        exit 1
    """
    subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", name], check=True)
