"""What happens to a server's processes, addresses, disk and descriptors."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

from tests.live.hanging_load import hanging_load
from tests.live.waiting import wait_for
from tests.programs.chaos import breaking
from tests.programs.chaos.system import System
from tests.programs.faults import state

ADDRESS = "10.99.0.53"


def kill_workers(whole: System) -> None:
    for worker in whole.workers():
        os.kill(worker, signal.SIGKILL)


def hang_a_load(whole: System) -> None:
    with hanging_load(state.compiled(whole), whole.workers()[0]):
        time.sleep(1)
        wait_for(whole.is_whole, "it is replaced", 30)


def give_address(_: System) -> None:
    subprocess.run(["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"], check=True)


def take_address(_: System) -> None:
    subprocess.run(["ip", "address", "del", f"{ADDRESS}/32", "dev", "lo"], check=True)


def listen_there(whole: System) -> None:
    """Start the server anew, listening on the address as well."""
    breaking.edit("listen = [", f'listen = ["{ADDRESS}:{whole.server.port}", ')(whole)
    breaking.kill_supervisor(whole)
    wait_for(lambda: "the server begins again" in whole.server.err, "it listens there", 30)
    wait_for(whole.is_whole, "it serves", 30)


def _remounted(whole: System, how: str, namespace: int) -> bool:
    """Mount the disk in another way, in the namespace that a descriptor leads to."""
    words = ["nsenter", f"--mount=/proc/self/fd/{namespace}", "mount", "-o", f"remount,{how}"]
    done = subprocess.run(
        [*words, whole.state], pass_fds=[namespace], capture_output=True, check=False
    )
    return done.returncode == 0


def read_only(whole: System) -> None:
    """Start the server anew, with a disk that can only be read."""
    before = whole.server.pid
    with Path(f"/proc/{before}/ns/mnt").open("rb") as namespace:
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: _remounted(whole, "ro", namespace.fileno()), "the disk is read-only")
    wait_for(lambda: whole.server.pid != before, "the supervisor is started again")


def read_and_write(whole: System) -> None:
    with Path(f"/proc/{whole.server.pid}/ns/mnt").open("rb") as namespace:
        assert _remounted(whole, "rw", namespace.fileno())


def no_descriptors(whole: System) -> None:
    """Let the workers open no other descriptor; what the supervisor has open is left to it."""
    whole.limit_descriptors(exhausted=True)
    _, hard = resource.prlimit(whole.server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(whole.server.pid, resource.RLIMIT_NOFILE, (hard, hard))
