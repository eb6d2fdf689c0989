"""How each fault begins and ends."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.live.fake_clock import FAKETIME
from tests.live.waiting import wait_for
from tests.programs.chaos import list_server, upstream
from tests.programs.chaos.host import DISK
from tests.programs.chaos.service_manager import kill
from tests.programs.chaos.system import CommandFailed, System
from tests.programs.chaos.truth import EXEMPT_TODAY

_DAY = 86400
_STEP = 3.0
"""Seconds until every process knows a stepped clock, and the policy goes by it."""


def lacks_disk() -> str:
    """Why there is no small disk; empty where there is one."""
    return "only root can mount a small disk" if os.geteuid() else ""


def lacks_clock() -> str:
    """Why the clock cannot be stepped; empty where it can."""
    return "" if FAKETIME.exists() else "needs faketime: apt install faketime"


def _victim(whole: System) -> int:
    """The first worker that is not spared, once all serve."""
    wait_for(whole.is_whole, "every worker serves", 30)
    return min(pid for pid in whole.workers() if pid != whole.spared)


def kill_worker(whole: System) -> None:
    os.kill(_victim(whole), signal.SIGKILL)


def kill_supervisor(whole: System) -> None:
    """The service manager starts another one."""
    kill(whole.server)


def stop_worker(whole: System) -> None:
    os.kill(_victim(whole), signal.SIGSTOP)


def stop_supervisor(whole: System) -> None:
    os.kill(whole.server.pid, signal.SIGSTOP)


def go_on(whole: System) -> None:
    os.kill(whole.server.pid, signal.SIGCONT)


def break_upstream(mode: upstream.Mode, *, one_only: bool = False) -> Callable[[System], None]:
    def begins(whole: System) -> None:
        whole.upstream.one_only, whole.upstream.mode = one_only, mode

    return begins


def fill(whole: System) -> None:
    """Leave no octet free; a reload must then be refused."""
    system = os.statvfs(whole.disk)
    assert system.f_blocks * system.f_frsize <= DISK, "this is not the small disk"
    with (whole.disk / "ballast").open("wb", buffering=0) as ballast:
        for size in (65536, 4096, 1):
            try:
                while ballast.write(bytes(size)):
                    pass
            except OSError:
                continue
    _refused(whole, whole.reload, "No space left")


def _refused(whole: System, command: Callable[[], object], why: str) -> None:
    """Run a command that must be refused."""
    try:
        command()
    except CommandFailed as error:
        line = next((line for line in str(error).splitlines() if why in line), "")
        whole.notes.append(line.strip())
        if not line:
            raise AssertionError(f"refused without saying {why!r}: {error}") from None
    else:
        raise AssertionError("a command was not refused")


def free(whole: System) -> None:
    """Make room again; reloads must then work."""
    (whole.disk / "ballast").unlink()
    whole.reload()  # to what was in force
    whole.reload()


def no_descriptors(whole: System) -> None:
    whole.limit_descriptors(exhausted=True)


def descriptors(whole: System) -> None:
    whole.limit_descriptors(exhausted=False)


@contextmanager
def _stepping(whole: System, ahead: bool) -> Iterator[None]:
    """The exemption for today is in force only while the clock is not a day ahead."""
    today = whole.truth.exempt[EXEMPT_TODAY]
    today.begin(not ahead, time.monotonic())
    yield
    time.sleep(_STEP)
    today.end(not ahead, time.monotonic())


def step_ahead(whole: System) -> None:
    with _stepping(whole, True):
        whole.step_clock(_DAY)


def step_back(whole: System) -> None:
    with _stepping(whole, False):
        whole.step_clock(-_DAY)


def right_clock(whole: System) -> None:
    with _stepping(whole, False):
        whole.step_clock(0)


def break_config(whole: System) -> None:
    text = whole.server.config.read_text(encoding="utf-8")
    broken = text.replace('policy = "publicity"', 'policy = "no-such-policy"') + "[[\n"
    whole.server.config.write_text(broken, encoding="utf-8")
    _refused(whole, lambda: whole.darban("reload"), "config.toml")
    whole.server.signal(signal.SIGHUP)


def mend_config(whole: System) -> None:
    text = whole.server.config.read_text(encoding="utf-8").removesuffix("[[\n")
    mended = text.replace('policy = "no-such-policy"', 'policy = "publicity"')
    whole.server.config.write_text(mended, encoding="utf-8")
    whole.darban("reload")


def break_lists(mode: list_server.Mode, why: str) -> Callable[[System], None]:
    def begins(whole: System) -> None:
        whole.lists.mode = mode
        _refused(whole, lambda: whole.darban("lists", "update", "listed"), why)

    return begins


def lists_hang(whole: System) -> None:
    """The command waits for the server of the list, so it is not awaited."""
    whole.lists.mode = list_server.Mode.HUNG
    whole.darban_later("lists", "update", "listed")


def lists_are_good(whole: System) -> None:
    whole.lists.mode = list_server.Mode.HONEST
