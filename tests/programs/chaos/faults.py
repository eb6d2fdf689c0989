"""The faults, and what must hold while each lasts; ``breaking`` has how each begins and ends."""

import random
from collections.abc import Callable
from typing import NamedTuple

from tests.programs.chaos import breaking, list_server, upstream
from tests.programs.chaos.system import System
from tests.programs.chaos.truth import Kind

_NEEDS_UPSTREAM = frozenset({Kind.FRESH})
_SLACK = 0.5
"""Seconds on a machine that has other work."""
_WAITING = 1000
"""Questions that wait for a new server and then for the upstream, longer than clients wait."""


class Bounds(NamedTuple):
    """What may happen because of a fault. A wrong answer never may."""

    lost: int = 0
    """Questions over UDP."""
    cut: int = 0
    """Questions over TCP whose connection ends, or cannot be made."""
    failing: frozenset[Kind] = frozenset()
    """Questions that may get SERVFAIL."""
    failed: float = 1.0
    """The share of all questions that may."""
    silence: float = 1.0
    """Seconds."""
    slowest: float = 2.0
    """Seconds until a reply."""
    recovery: float = 0.0
    """Seconds from the end of the fault until every question is answered well."""
    empties_caches: bool = False
    """Whether a new worker takes over."""
    stale: bool = False
    """Whether an answer that has expired may be given."""
    unattended: float = 0.0
    """Seconds for which no worker is replaced."""

    def __add__(self, other: object) -> "Bounds":
        """What two faults may do together."""
        assert isinstance(other, Bounds)
        failing, waiting = self.failing | other.failing, 0
        if failing and (self.empties_caches or other.empties_caches):
            failing, waiting = frozenset(Kind), _WAITING
        later = self.unattended + other.unattended
        if not (self.empties_caches or other.empties_caches):  # no worker is to be replaced
            later = 0.0
        return Bounds(
            self.lost + other.lost + waiting,
            self.cut + other.cut + waiting,
            failing,
            max(self.failed, other.failed),
            self.silence + other.silence + later,
            self.slowest + other.slowest + later,
            self.recovery + other.recovery,
            self.empties_caches or other.empties_caches,
            self.stale or other.stale,
            self.unattended + other.unattended,
        )


class Fault(NamedTuple):
    """One way in which something breaks."""

    name: str
    wanted: str
    bounds: Bounds
    begins: breaking.Step
    ends: breaking.Step = lambda _: None
    seconds: float = 0.0
    """How long it lasts."""
    says: str = ""
    """A pattern of what the server must log."""
    clock: bool = False
    """Whether it steps the clock."""
    lacks: Callable[[], str] = str
    """Why it cannot be tried here; empty where it can."""
    comes_last: bool = False
    """Whether no command can be run meanwhile."""


_FROZEN = 3.0
"""Seconds for which the supervisor stands still."""
_REPLACED = Bounds(lost=10, cut=20, slowest=3.0, recovery=1.0, empties_caches=True)
_SLOW_UPSTREAM = Bounds(failing=_NEEDS_UPSTREAM, slowest=4.0 + _SLACK, silence=4.0, stale=True)
_RETRIES = Bounds(silence=2.0, slowest=3.0, stale=True)


def _of_upstream(
    name: str,
    wanted: str,
    bounds: Bounds,
    mode: upstream.Mode,
    seconds: float,
    *,
    one_only: bool = False,
) -> Fault:
    """Both upstreams, or one of them, behave in a way for some seconds."""
    begins = breaking.upstream_is(mode, one_only=one_only)
    ends = breaking.upstream_is(upstream.Mode.HONEST)
    return Fault(name, wanted, bounds, begins, ends, seconds)


FAULTS = (
    Fault("none", "all answered", Bounds(), lambda _: None, seconds=1),
    Fault(
        "worker-killed",
        "lost: only what it had received; recovered within 1 s",
        _REPLACED,
        breaking.kill_worker,
        says="ended with -9",
    ),
    Fault(
        "worker-frozen",
        "replaced after 2 s; lost: only what its TCP connections had",
        _REPLACED._replace(cut=150, silence=4.0, slowest=4.0, recovery=4.0),
        breaking.stop_worker,
        says="no heartbeat",
    ),
    Fault(
        "supervisor-killed",
        "queries wait in the sockets; recovered within 4 s",
        _REPLACED._replace(cut=50, silence=4.0, slowest=4.5, recovery=4.0),
        breaking.kill_supervisor,
    ),
    Fault(
        "supervisor-frozen",
        "all answered",
        Bounds(unattended=_FROZEN),
        breaking.stop_supervisor,
        breaking.go_on,
        seconds=_FROZEN,
        comes_last=True,
    ),
    _of_upstream(
        "upstream-hung",
        "blocked and known names answered; others SERVFAIL within 4 s",
        _SLOW_UPSTREAM._replace(recovery=2.0),
        upstream.Mode.HUNG,
        seconds=6,
    ),
    _of_upstream(
        "upstream-flapping",
        "blocked and known names answered; SERVFAIL for less than 1 % of all",
        _SLOW_UPSTREAM._replace(failed=0.01),
        upstream.Mode.FLAPPING,
        seconds=5,
    ),
    _of_upstream(
        "upstream-refusing",
        "known names answered; others REFUSED or SERVFAIL",
        _SLOW_UPSTREAM._replace(recovery=2.0),
        upstream.Mode.REFUSING,
        seconds=4,
    ),
    _of_upstream(
        "upstream-forged",
        "all answered, by the truth",
        _RETRIES,
        upstream.Mode.FORGED,
        seconds=5,
    ),
    _of_upstream(
        "upstream-unsolicited",
        "all answered, by the truth",
        _RETRIES,
        upstream.Mode.UNSOLICITED,
        seconds=5,
    ),
    _of_upstream(
        "one-upstream-hung",
        "all answered by the other",
        _RETRIES,
        upstream.Mode.HUNG,
        seconds=5,
        one_only=True,
    ),
    _of_upstream(
        "one-upstream-refusing",
        "all answered by the other",
        _RETRIES,
        upstream.Mode.REFUSING,
        seconds=4,
        one_only=True,
    ),
    _of_upstream(
        "upstream-lying",
        "no lie passed on; blocked and known names answered",
        _SLOW_UPSTREAM._replace(recovery=2.0),
        upstream.Mode.LYING,
        seconds=5,
    ),
    _of_upstream(
        "upstream-slow",
        "all answered",
        _RETRIES,
        upstream.Mode.SLOW,
        seconds=5,
    ),
    Fault(
        "disk-full",
        "all answered; a reload is refused, and works when there is room",
        Bounds(),
        breaking.fill,
        breaking.free,
        seconds=2,
        lacks=breaking.lacks_disk,
    ),
    Fault(
        "no-descriptors",
        "blocked and known names answered over UDP; recovered within 2 s",
        _SLOW_UPSTREAM._replace(cut=200, silence=5.5, slowest=5.0, recovery=2.0),
        breaking.no_descriptors,
        breaking.descriptors,
        seconds=3,
        says="no TCP connection is accepted",
    ),
    Fault(
        "clock-ahead",
        "all answered; the exemption for today ends, and is in force again",
        Bounds(),
        breaking.step_ahead,
        breaking.right_clock,
        clock=True,
        lacks=breaking.lacks_clock,
    ),
    Fault(
        "clock-back",
        "all answered",
        Bounds(),
        breaking.step_back,
        breaking.right_clock,
        clock=True,
        lacks=breaking.lacks_clock,
    ),
    Fault(
        "config-broken",
        "all answered by the config before; the reload is refused",
        Bounds(),
        breaking.break_config,
        breaking.mend_config,
        seconds=1,
        says="config",
    ),
    Fault(
        "list-server-hung",
        "the list stays in force",
        Bounds(),
        breaking.lists_hang,
        breaking.lists_are_good,
        seconds=3,
    ),
    Fault(
        "list-server-failing",
        "the list stays in force; the command says why",
        Bounds(),
        breaking.break_lists(list_server.Mode.FAILING, "500"),
        breaking.lists_are_good,
    ),
    Fault(
        "list-server-garbage",
        "the list stays in force; the command says why",
        Bounds(),
        breaking.break_lists(list_server.Mode.GARBAGE, "listed"),
        breaking.lists_are_good,
    ),
    Fault("reload", "all answered; the other policy at once", Bounds(), System.reload),
)


def pairs(count: int, seed: int) -> list[tuple[Fault, Fault]]:
    """So many pairs at random."""
    chosen = random.Random(seed)
    broken = [fault for fault in FAULTS if fault.name != "none"]
    made = []
    for _ in range(count):
        first, second = sorted(chosen.sample(broken, 2), key=lambda fault: fault.comes_last)
        made.append((first, second))
    return made
