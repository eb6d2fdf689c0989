"""Reload: put another config in force while the server runs, or change nothing.

First everything is checked: the config, its expectations, and whether it can change without a
restart. Only then the workers load the new snapshot (``rollout``). If anything is wrong, the old
snapshot stays in force, and the caller gets the whole report.

What must stay true:
- One reload at a time, in the order of the requests. Each reads the config when its turn comes.
- ``config_ok`` says whether the config on disk, as it was last tried, is in force.
- An edit of the config or of the agency's own lists comes in force only by a reload that somebody
  asked for. Fetched lists come in force with the config as it was last put in force
  (``SourceTexts``).
- A command that changes the config sends its texts, and writes them once they are in force. So a
  config that is refused is never on disk. Of two that begin with the same config, the later is
  refused: its texts lack what the earlier has put in force.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from resolver.audit.audit_writer import AuditWriter
from resolver.compiler.child_compiler import compile_in_child
from resolver.compiler.compilation_result import (
    ALL_LISTS,
    FAILED_EXPECTATIONS,
    WRONG_CONFIG,
    Accepted,
    Held,
    NotCompiled,
    PolicyInForce,
    Rejected,
)
from resolver.compiler.restart_settings import needs_restart
from resolver.metrics.part import Answer, Command, Part, Request
from resolver.metrics.part_states import ReloadState
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import LastReload
from resolver.policy.compiled import CompiledConfig
from resolver.snapshot import store
from resolver.snapshot.config_files import SourceTexts, without_pulled
from resolver.supervisor.reverted_changes import lost_exemptions, reverted_changes
from resolver.supervisor.rollout import Rollout, read
from resolver.supervisor.startup import (
    files_on_disk,
    lacking_source_addresses,
)
from resolver.supervisor.worker_processes import LoadFailed
from resolver.system.log import log
from resolver.system.time_zones import zone_or_utc

START = "start"
"""The event of a start in the audit log."""
_EVENTS = ("reload", "exempt", "exempt --extend", "exempt --end", "exempt --prune")
"""What a command that sends a config may call its activation in the audit log."""
_FILE = "reload"
"""The event where a command sends a file that is to take the place of the config."""
_LOOKED_AT = 20
"""The newest changes of the config among which those that a file undoes are looked for."""
_ACCEPT = "if that is meant, add --accept; else copy the config again, and edit the copy"
_NOT_JUDGED = "it is compiled since the start; until then the policy is the last good one"
_CONFLICT = "another config or list was put in force meanwhile; run this command again"


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """How a reload ended."""

    result: str
    """One of ``definitions.RELOAD_RESULTS``."""
    code: int
    """The exit code of the command that asked for it."""
    snapshot: str
    """The hash of the snapshot in force after it."""
    report: list[str]
    """Why it was not applied, or the warnings of ``check``."""
    lists: tuple[str, ...] = ()
    """The lists of others that may be the reason why expectations fail."""

    def as_json(self) -> dict[str, object]:
        """The answer on the control socket, and what ``darban reload --json`` prints."""
        shown = {key: value for key, value in asdict(self).items() if key != "lists"}
        return {"ok": not self.code, **shown}


@dataclass(frozen=True, slots=True)
class SentConfig:
    """A config that a command sends, and writes once it is in force."""

    sources: SourceTexts
    before: str | None
    """The hash of the snapshot that must still be in force; None for any."""


@dataclass(frozen=True, slots=True)
class Switch:
    """Other files of the policy, which a reload shall put in force."""

    event: str
    """What the audit log calls it."""
    begin: Callable[[], None]
    """Puts the files in place; may raise OSError."""
    check: Callable[[Path, Path], Awaitable[None]]
    """Raises Rejected where the second snapshot must not replace the first."""
    undo: Callable[[], None]
    """Puts those in force back in place, after a reload that failed."""
    any_shipped: bool = False
    """Whether the files are the lists of the release, or others in their place."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What is to be put in force, and why."""

    event: str
    who: str
    sources: SourceTexts | None = None
    """Compiled instead of the files on disk."""
    accepted: Sequence[str] = ()
    """The lists whose losses a person accepts."""
    switch: Switch | None = None
    """Other files of the policy; else it is compiled from those on disk."""


class Reloader(Part):
    """Puts the config in force, as often as somebody asks for it."""

    def __init__(
        self,
        rollout: Rollout,
        config: ServedConfig,
        audit: AuditWriter,
        hangup: asyncio.Event,
        before: Callable[[], Awaitable[None]],
        after: Callable[[], None],
    ) -> None:
        """``hangup`` is set by a SIGHUP.

        ``before`` is awaited before each compilation, and raises NotCompiled where there can be
        none; ``after`` is called at the end of every reload.
        """
        self._rollout = rollout
        self._config = config
        self._audit = audit
        self.state = ReloadState()
        self._hangup = hangup
        self._before = before
        self._after = after
        self._sources: SourceTexts | None = None
        """What is in force was compiled from these; None while that is not known."""
        self.judged = asyncio.Event()
        """Set when the config on disk has been tried for the first time."""
        self._candidate: Accepted | None = None
        """What the last attempt has compiled."""
        self._lock = asyncio.Lock()
        self._trying: asyncio.Task[ReloadResult] | None = None
        self._stopping = asyncio.Event()

    def states(self) -> Iterable[object]:
        """A ``ReloadState``."""
        yield self.state

    def begin(self, accepted: Accepted | None) -> None:
        """Note whether the config on disk is in force at the start; None if that is tried later."""
        if accepted is None:
            self._note_config(False, _NOT_JUDGED)
        else:
            self._note_config(not accepted.last_good, accepted.failure)

    def sources(self) -> SourceTexts | None:
        """What is in force was compiled from these texts; None where that is not known."""
        return self._sources

    def commands(self) -> Mapping[str, Command]:
        """``reload``, ``activate`` and ``in-force``."""
        return {"reload": self.command, "activate": self.activate, "in-force": self.in_force}

    async def run(self) -> None:
        """Reload after a SIGHUP, until cancelled; one reload for all that came before it."""
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            await self.reload("reload", "SIGHUP")

    async def command(self, request: Request) -> Answer:
        """Serve ``reload`` on the control socket."""
        return (await self.reload("reload", str(request["who"]), _accepted(request))).as_json()

    async def activate(self, request: Request) -> Answer:
        """Serve ``activate`` on the control socket: a ``SentConfig``.

        If ``before`` is not what is in force, the config lacks what was put in force meanwhile.
        """
        texts, event = request.get("texts"), request.get("event")
        if not isinstance(texts, dict) or event not in _EVENTS:
            return {"error": "the request names no config or no event"}
        before = request.get("before")  # an older command has none
        sent = SentConfig(SourceTexts(texts), None if before is None else str(before))
        return (
            await self.send(str(event), str(request["who"]), sent, _accepted(request))
        ).as_json()

    async def in_force(self, _: Request) -> Answer:
        """Serve ``in-force`` on the control socket: a ``PolicyInForce``."""
        await self.judged.wait()
        return asdict(PolicyInForce(self._config.hash, self._sources))

    async def reload(self, event: str, who: str, accepted: Sequence[str] = ()) -> ReloadResult:
        """Put the config on disk in force; the audit log gets ``event`` and ``who``."""
        attempt = _Attempt(event, who, accepted=accepted)
        async with self._lock:
            result = await self._run(attempt)
            self._note(result)
        return self._report(attempt, result)

    async def send(
        self, event: str, who: str, sent: SentConfig, accepted: Sequence[str] = ()
    ) -> ReloadResult:
        """Put a config in force that a command then writes."""
        attempt = _Attempt(event, who, self._own(sent.sources), accepted)
        async with self._lock:
            if sent.before not in (None, self._config.hash):
                return self._result("failed", [_CONFLICT], WRONG_CONFIG)
            result = await self._run(attempt)
            if not result.code:
                self._note(result)
        return self._report(attempt, result)

    async def lists(self, who: str, accepted: Sequence[str]) -> ReloadResult:
        """Put fetched lists in force, with the config as it was last put in force."""
        return await self._renew("lists", who, accepted)

    async def switch(self, who: str, switch: Switch, accepted: Sequence[str]) -> ReloadResult:
        """Put other files of the policy in force; the rest as it was last put in force.

        OSError where the files cannot be put in place.
        """
        return await self._renew(switch.event, who, accepted, switch)

    async def _renew(
        self, event: str, who: str, accepted: Sequence[str], switch: Switch | None = None
    ) -> ReloadResult:
        """Put the config in force as it was last, with what else is new.

        That config is unknown while a last good snapshot is served; then the config on disk is
        tried, as at the start.
        """
        async with self._lock:
            sources = None if self._sources is None else self._own(self._sources)
            if sources is not None and switch is not None:
                sources = replace(sources, any_shipped=switch.any_shipped)
            attempt = _Attempt(event, who, sources, accepted, switch)
            if switch is not None:
                await asyncio.to_thread(switch.begin)
            result = await self._run(attempt)
            if result.code and switch is not None:
                await asyncio.to_thread(switch.undo)
            if sources is None:
                self._note(result)
        return self._report(attempt, result)

    async def start(self, who: str) -> tuple[ReloadResult, Accepted | None] | None:
        """Put the config on disk in force after a start with the last good snapshot.

        How that ended, and what was compiled; None where the server stops. The caller tells it.
        """
        async with self._lock:
            result = await self._run(_Attempt(START, who))
            if self._stopping.is_set():
                return None
            self._note(result)
            if result.code and result.result != "needs_restart":
                await self.activated(f"{START} --last-good", who, None)
            candidate = self._candidate
        self._after()
        return result, candidate

    async def stop(self, who: str) -> None:
        """Cancel a reload that is under way, start no other, and note that the server stops."""
        self._stopping.set()
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait([self._trying])
        await self._audit.stopped(who)

    async def _run(self, attempt: _Attempt) -> ReloadResult:
        """How an attempt ended, which ends at once where the server stops.

        The caller has the lock.
        """
        stopping = self._result("failed", ["the server is stopping"], WRONG_CONFIG)
        if self._stopping.is_set():
            return stopping
        self._trying = asyncio.create_task(self._try(attempt))
        try:
            return await self._trying
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            return stopping

    async def _try(self, attempt: _Attempt) -> ReloadResult:
        self._candidate = None
        try:
            return await self._put_in_force(attempt)
        except (NotCompiled, store.StateError, LoadFailed) as error:
            return self._result("failed", [str(error)], WRONG_CONFIG)
        except OSError as error:
            reason = f"{error.filename or self._config.state}: {error.strerror}"
            return self._result("failed", [reason], WRONG_CONFIG)
        except Held as error:
            return self._result("held", error.report, error.code)
        except Rejected as error:
            result = "refused" if error.code == FAILED_EXPECTATIONS else "invalid"
            outcome = self._result(result, error.report, error.code)
            return replace(outcome, lists=tuple(error.lists))

    async def _put_in_force(self, attempt: _Attempt) -> ReloadResult:
        config, event, switch = self._config, attempt.event, attempt.switch
        await self._before()
        self._candidate = candidate = await compile_in_child(
            config.file,
            config.state,
            while_serving=True,
            sources=attempt.sources,
            accepted=attempt.accepted,
        )
        new, current = read(Path(candidate.snapshot)), self._rollout.current
        if new.path.name == current.path.name:
            self._rollout.look_up_upstreams()
            mark_good(current.path)  # that may have failed, or the mark was removed
            once = switch is None and event != START  # each commit and start gets its line
            await self.activated(event, attempt.who, candidate, once=once)
            return self._result("unchanged", candidate.warnings)
        if changes := list(needs_restart(current.compiled, new.compiled)):
            return self._result("needs_restart", changes, WRONG_CONFIG)
        before = lacking_source_addresses(new.compiled if event == START else current.compiled)
        if lacking := [
            address for address in lacking_source_addresses(new.compiled) if address not in before
        ]:
            return self._result("failed", lacking, WRONG_CONFIG)
        if event == _FILE and attempt.sources and ALL_LISTS not in attempt.accepted:
            await self._hold_reverting(attempt, current.compiled, new.compiled, attempt.sources)
        if switch is not None:
            await switch.check(current.path, new.path)
        await self._rollout.switch_to(new)
        config.put_in_force(new.compiled, new.path, time.time())
        mark_good(new.path)
        await self.activated(event, attempt.who, candidate)
        return self._result("applied", candidate.warnings)

    async def _hold_reverting(
        self, attempt: _Attempt, before: CompiledConfig, now: CompiledConfig, new: SourceTexts
    ) -> None:
        """Raise Held where a file undoes what nobody may have meant to undo."""
        reverted = [*lost_exemptions(before, now, time.time())]
        if self._sources is not None:
            changes = [
                (entry, without_pulled(self._config.file, texts))
                for entry, texts in await self._audit.newest(_LOOKED_AT)
            ]
            reverted += reverted_changes(
                changes, new.texts, attempt.who, zone_or_utc(now.settings.report.time_zone)
            )
        if reverted:
            raise Held([*reverted, _ACCEPT])

    async def activated(
        self, event: str, who: str, accepted: Accepted | None, *, once: bool = False
    ) -> None:
        """Note that the snapshot in force was put in force; it is of this config, if of any.

        With ``once`` the audit log gets no line where it has these sources already.
        """
        self._sources = None if accepted is None else accepted.sources
        self.judged.set()
        served = self._rollout.current
        summary = None if accepted is None else accepted.summary
        entry = (event, who, served.path.name, served.compiled, self._sources, summary)
        on_disk = None
        if event == START and self._sources is not None:  # nobody has asked for an edit of theirs
            on_disk = await files_on_disk(self._config.file.parent, self._sources)
        await self._audit.activated(*entry, once=once, on_disk=on_disk)

    def _report(self, attempt: _Attempt, result: ReloadResult) -> ReloadResult:
        """Report how an attempt ended, in the metrics, the status and the log.

        Where the server stops nothing has failed, and nothing is reported.
        """
        if self._stopping.is_set():
            return result
        report, counts = tuple(result.report), self.state.counts
        self.state = replace(
            self.state,
            counts={**counts, result.result: counts.get(result.result, 0) + 1},
            last=LastReload(time.time(), result.result, attempt.who, report),
        )
        write = log.error if result.code else log.info
        outcome = result.result.replace("_", " ")
        write("%s by %s: %s, snapshot %s", attempt.event, attempt.who, outcome, result.snapshot)
        for line in report:
            write("%s", line)
        self._after()
        return result

    def _note(self, result: ReloadResult) -> None:
        """Note whether the config on disk is in force; nothing where the server stops."""
        if self._stopping.is_set():
            return
        may_be_right = result.result in ("failed", "held", "needs_restart")
        self._note_config(not result.code, "; ".join(result.report) if may_be_right else "")

    def _note_config(self, ok: bool, failure: str) -> None:
        self.state = replace(self.state, config_ok=ok, config_failure=failure)

    def _own(self, sources: SourceTexts) -> SourceTexts:
        """The sources without the files of a ``Switch``: those are on disk."""
        return replace(sources, texts=without_pulled(self._config.file, sources.texts))

    def _result(self, result: str, report: list[str], code: int = 0) -> ReloadResult:
        return ReloadResult(result, code, self._config.hash, report)


def _accepted(request: Request) -> Sequence[str]:
    return [ALL_LISTS] if request.get("accept") is True else []


def mark_good(snapshot: Path) -> None:
    """Make a snapshot that serves the last good one, and remove old snapshots."""
    try:
        store.mark_good(snapshot)
        store.prune(snapshot)
    except OSError as error:
        directory = snapshot.parent
        log.error("%s: the state directory cannot be written to (%s)", directory, error.strerror)
