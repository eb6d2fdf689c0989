"""The steps of which faults are made, here and in ``tests.programs.faults``."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.live.configs import edited
from tests.live.fake_clock import FAKETIME
from tests.live.waiting import wait_for
from tests.programs.chaos import list_server, upstream
from tests.programs.chaos.host import DISK
from tests.programs.chaos.service_manager import kill
from tests.programs.chaos.system import CommandFailed, System
from tests.programs.chaos.truth import EXEMPT_TODAY

Step = Callable[[System], None]
"""It raises AssertionError or CommandFailed where something is not as wanted."""
_DAY = 86400
_STEP = 3.0
"""Seconds until every process knows a stepped clock, and the policy goes by it."""
_SCRAPED = 2.0
"""Seconds after which Prometheus has seen a change, also on a busy machine."""
_BROKEN = "[[\n"
_GOOD_POLICY, _NO_POLICY = 'policy = "publicity"', 'policy = "no-such-policy"'


def in_order(*steps: Step) -> Step:
    """All of these steps."""

    def run(whole: System) -> None:
        for step in steps:
            step(whole)

    return run


def times(count: int, step: Step) -> Step:
    """A step that ends processes, so many times, each once all were replaced and scraped."""

    def run(whole: System) -> None:
        for _ in range(count):
            before = whole.workers()
            step(whole)
            wait_for(lambda before=before: whole.workers() != before, "one is replaced", 30)
            wait_for(whole.is_whole, "every worker serves", 30)
            time.sleep(_SCRAPED)

    return run


def command(*words: str) -> Step:
    """A command that must succeed."""

    def run(whole: System) -> None:
        whole.darban(*words)

    return run


def refused(*words: str, why: str = "") -> Step:
    """A command that must fail, and say why."""
    return lambda whole: _refused(whole, lambda: whole.darban(*words), why)


def edit(old: str, new: str) -> Step:
    """Edit the config."""
    return lambda whole: edited(whole.server.config, old, new)


def add(more: str) -> Step:
    """Add to the config; ``{place}`` is its folder."""

    def run(whole: System) -> None:
        with whole.server.config.open("a", encoding="utf-8") as config:
            config.write(more.replace("{place}", str(whole.server.directory)))

    return run


def lists_are(mode: list_server.Mode) -> Step:
    """Let the server of the list do so."""

    def begins(whole: System) -> None:
        whole.lists.mode = mode

    return begins


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


def hang_up(whole: System) -> None:
    whole.server.signal(signal.SIGHUP)


def go_on(whole: System) -> None:
    os.kill(whole.server.pid, signal.SIGCONT)


def upstream_is(mode: upstream.Mode, *, one_only: bool = False) -> Step:
    """Let both upstreams do so, or the first alone."""

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
        line = next((line for line in str(error).splitlines() if why in line), None)
        whole.notes.append((line or "").strip())
        if line is None:
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


break_config = in_order(
    edit(_GOOD_POLICY, _NO_POLICY), add(_BROKEN), refused("reload", why="config.toml"), hang_up
)
mend_config = in_order(edit(_BROKEN, ""), edit(_NO_POLICY, _GOOD_POLICY), command("reload"))


def break_lists(mode: list_server.Mode, why: str) -> Step:
    return in_order(lists_are(mode), refused("lists", "update", "listed", why=why))


def lists_hang(whole: System) -> None:
    """The command waits for the server of the list, so it is not awaited."""
    whole.lists.mode = list_server.Mode.HUNG
    whole.darban_later("lists", "update", "listed")


lists_are_good = lists_are(list_server.Mode.HONEST)
