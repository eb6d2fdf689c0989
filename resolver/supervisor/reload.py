"""A reload: another config is put in force in daylight, or everything stays as it is.

Everything is checked first: the config whole, its expectations, and whether it can change
without a restart. Only then do the workers hear of it (``rollout``). Whatever is wrong,
the old snapshot goes on, and the caller has the whole report.

What must stay true:
- One reload at a time, in the order in which they were asked for; each reads the config as
  it is when its turn has come.
- ``config_ok`` says whether what the config says is what is in force.
- What people have edited is put in force when they ask for it, and by nothing else: lists
  that were fetched go in force with the config as it was put in force last (``written``).
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from resolver.metrics.facts import ServerFacts
from resolver.metrics.log import log
from resolver.metrics.status import LastReload
from resolver.policy.compiled import Endpoint, Terms
from resolver.snapshot import store
from resolver.snapshot.candidate import (
    FAILED_EXPECTATIONS,
    WRONG_CONFIG,
    Accepted,
    Rejected,
    compile_apart,
)
from resolver.snapshot.source_texts import SourceTexts
from resolver.supervisor.audit_log import AuditLog
from resolver.supervisor.rollout import Rollout, ServedSnapshot, read
from resolver.supervisor.worker_processes import LoadFailed


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """What came of a reload."""

    result: str
    """One of ``metrics.RELOAD_RESULTS``."""
    code: int
    """The exit code for who has asked."""
    snapshot: str
    """The hash of the snapshot in force after it."""
    report: list[str]
    """Why it was not applied, or what ``check`` warns of."""

    def as_json(self) -> dict[str, object]:
        """The answer on the control socket, and what ``darban reload --json`` prints."""
        return {"ok": not self.code, **asdict(self)}


def workers_for(terms: Terms) -> int:
    """How many workers to start: as configured, else one a CPU that this process may use."""
    return terms.settings.workers or len(os.sched_getaffinity(0))


class Reloader:
    """Puts what the config says in force, as often as it is asked to."""

    def __init__(
        self, config: Path, state_directory: Path, rollout: Rollout, facts: ServerFacts
    ) -> None:
        self._config = config
        self._state = state_directory
        self._rollout = rollout
        self._facts = facts
        self._audit_log = AuditLog(state_directory)
        self._written: SourceTexts | None = None
        self._one_at_a_time = asyncio.Lock()
        self._attempting: asyncio.Task[tuple[str, list[str]]] | None = None
        self._ending = asyncio.Event()

    async def reload(self, who: str, event: str, *, lists_alone: bool = False) -> ReloadResult:
        """Put the config in force as it is now, for whoever asks for it; ``event`` says why.

        With ``lists_alone`` that is the config as it was put in force last, with the lists that
        were fetched since. Where a last good snapshot is served that is not known: then the
        config is tried as it is now, as the start has tried it.
        """
        facts = self._facts
        async with self._one_at_a_time:
            if self._ending.is_set():
                return self._too_late()
            written = self._written if lists_alone else None
            self._attempting = asyncio.create_task(self._attempt(who, event, written))
            try:
                result, report = await self._attempting
                code = 0
            except _NotApplied as error:
                result, report, code = error.result, error.report, error.code
            except asyncio.CancelledError:
                if not self._ending.is_set():
                    raise
                return self._too_late()
            facts.reloads[result] += 1
            if written is None:
                facts.config_ok = not code
            facts.last_reload = LastReload(time.time(), result, who, tuple(report))
            outcome = ReloadResult(result, code, facts.snapshot, report)
        tell = log.error if code else log.info
        tell("%s by %s: %s, snapshot %s", event, who, result.replace("_", " "), outcome.snapshot)
        for line in report:
            tell("%s", line)
        return outcome

    def _too_late(self) -> ReloadResult:
        return ReloadResult("failed", WRONG_CONFIG, self._facts.snapshot, ["the server ends"])

    async def _attempt(
        self, who: str, event: str, written: SourceTexts | None
    ) -> tuple[str, list[str]]:
        accepted, after = await self._candidate(written)
        now = self._rollout.now
        if after.place.name == now.place.name:
            self._written = accepted.written
            self._rollout.tell_upstreams()
            await self._write(self._audit_log.reworded, *self._now(event, who))
            return "unchanged", accepted.warnings
        fixed = list(needs_restart(now.terms, after.terms))
        if fixed:
            raise _NotApplied("needs_restart", fixed)
        try:
            await self._rollout.replace(after)
        except LoadFailed as error:
            raise _NotApplied("failed", [str(error)]) from None
        facts = self._facts
        facts.terms, facts.snapshot, facts.loaded = after.terms, after.place.name, time.time()
        keep_as_good(after.place)
        await self.note(event, who, accepted.written)
        return "applied", accepted.warnings

    async def _candidate(self, written: SourceTexts | None) -> tuple[Accepted, ServedSnapshot]:
        try:
            accepted = await compile_apart(
                self._config, self._state, while_serving=True, written=written
            )
            return accepted, read(accepted.snapshot)
        except Rejected as error:
            result = "refused" if error.code == FAILED_EXPECTATIONS else "invalid"
            raise _NotApplied(result, error.report, error.code) from None
        except store.StateError as error:
            raise _NotApplied("failed", [str(error)]) from None

    async def note(self, event: str, who: str, written: SourceTexts | None) -> None:
        """Note that what is in force now was put in force, in the journal as well."""
        self._written = written
        await self._write(self._audit_log.activated, *self._now(event, who))

    def _now(self, event: str, who: str) -> tuple[object, ...]:
        now = self._rollout.now
        texts = {} if self._written is None else self._written.texts
        return time.time(), event, who, now.place.name, now.terms, texts

    async def end(self, who: str) -> None:
        """Reload no more, not even to the end; nothing is in force any more, says the journal."""
        self._ending.set()
        if self._attempting is not None:
            self._attempting.cancel()
            await asyncio.wait([self._attempting])
        await self._write(self._audit_log.stopped, time.time(), who)

    async def _write(self, how: Callable[..., None], *what: object) -> None:
        try:
            await asyncio.to_thread(how, *what)
        except OSError as error:
            log.error("%s: the journal cannot be written (%s)", self._state, error.strerror)


class _NotApplied(Exception):
    """Everything stays as it is."""

    def __init__(self, result: str, report: list[str], code: int = WRONG_CONFIG) -> None:
        self.result = result
        self.report = report
        self.code = code
        super().__init__(result)


def keep_as_good(place: Path) -> None:
    """Note that a snapshot serves, and let go of older ones."""
    try:
        store.remember_good(place)
        store.prune(place)
    except OSError as error:
        log.error("%s: the state directory cannot be kept (%s)", place.parent, error.strerror)


def needs_restart(now: Terms, after: Terms) -> Iterator[str]:
    """What is asked for and cannot change while the server runs."""
    for key, (in_force, asked) in changed_but_fixed(now, after).items():
        yield (
            f"{key} needs a restart: it is {in_force} while the server runs, and the config "
            f"says {asked}. Nothing has changed; restart the server, or put it back"
        )


def changed_but_fixed(now: Terms, after: Terms) -> dict[str, tuple[str, str]]:
    """The settings that differ and cannot change while the server runs: as now, as after."""
    fixed = {
        "server.listen": _both(now.settings.listen, after.settings.listen),
        "server.workers": (str(workers_for(now)), str(workers_for(after))),
        "metrics.listen": (str(now.settings.metrics), str(after.settings.metrics)),
        "cache.max_bytes": (str(now.settings.cache_bytes), str(after.settings.cache_bytes)),
        "block_page.listen": _both(now.settings.block_page, after.settings.block_page),
    }
    return {key: (in_force, asked) for key, (in_force, asked) in fixed.items() if in_force != asked}


def _both(now: Iterable[Endpoint], after: Iterable[Endpoint]) -> tuple[str, str]:
    return _listed(now), _listed(after)


def _listed(endpoints: Iterable[Endpoint]) -> str:
    return ", ".join(sorted(map(str, endpoints))) or "none"
