"""Steps that several breakdowns have."""

import time

from tests.live.waiting import wait_for
from tests.programs.chaos import list_server, upstream
from tests.programs.chaos.system import CommandFailed, System
from tests.programs.faults.breakdown import Step

_SCRAPED = 2.0
"""Seconds after which Prometheus has seen a change, also on a busy machine."""


def each(*steps: Step) -> Step:
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


def refused(*words: str) -> Step:
    """A command that must fail."""

    def run(whole: System) -> None:
        try:
            whole.darban(*words)
        except CommandFailed:
            return
        raise AssertionError(f"darban {' '.join(words)} was not refused")

    return run


def upstream_is(mode: upstream.Mode) -> Step:
    """Let both upstreams do so; expired answers may be given where they fail."""

    def run(whole: System) -> None:
        good, now = mode is upstream.Mode.HONEST, time.monotonic()
        whole.upstream.mode = mode
        (whole.truth.stale.end if good else whole.truth.stale.begin)(not good, now)

    return run


def lists_are(mode: list_server.Mode) -> Step:
    """Let the server of the list do so."""

    def begins(whole: System) -> None:
        whole.lists.mode = mode

    return begins


def edit(old: str, new: str) -> Step:
    """Edit the config."""

    def run(whole: System) -> None:
        text = whole.server.config.read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        whole.server.config.write_text(text.replace(old, new), encoding="utf-8")

    return run


def add(more: str) -> Step:
    """Add to the config; ``{place}`` is its folder."""

    def run(whole: System) -> None:
        with whole.server.config.open("a", encoding="utf-8") as config:
            config.write(more.replace("{place}", str(whole.server.directory)))

    return run
