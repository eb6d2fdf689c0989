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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from resolver.compiler.candidate import (
    ALL_LISTS,
    FAILED_EXPECTATIONS,
    WRONG_CONFIG,
    Accepted,
    Held,
    NotCompiled,
    PolicyInForce,
    Rejected,
    SourceTexts,
)
from resolver.compiler.child_compiler import compile_in_child
from resolver.log import log
from resolver.metrics.facts import ServerFacts
from resolver.metrics.status import LastReload
from resolver.policy.exemption_details import ExemptionDetails
from resolver.policy_source.switch import PolicySwitch
from resolver.snapshot import store
from resolver.snapshot.config_files import without_pulled
from resolver.snapshot.list_store import ListStore
from resolver.supervisor.audit_log import AuditLog, NotedEnds
from resolver.supervisor.control import Answer, Request
from resolver.supervisor.restart_settings import needs_restart
from resolver.supervisor.rollout import Rollout, read
from resolver.supervisor.startup import lacking_sources, restore_policy_files
from resolver.supervisor.unwritten import UnwrittenConfig
from resolver.supervisor.worker_processes import LoadFailed

START = "start"
"""The event of a start in the audit log."""
_EVENTS = ("reload", "restore", "exempt", "exempt --extend", "exempt --end", "exempt --prune")
"""What a command that sends a config may call its activation in the audit log."""
_OVERTAKEN = "another config or list was put in force meanwhile; run this command again"


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

    def as_json(self) -> dict[str, object]:
        """The answer on the control socket, and what ``darban reload --json`` prints."""
        return {"ok": not self.code, **asdict(self)}


class Reloader:
    """Puts the config in force, as often as somebody asks for it."""

    def __init__(self, rollout: Rollout, facts: ServerFacts, after: Callable[[], None]) -> None:
        """``after`` is called at the end of every reload."""
        self.unwritten = UnwrittenConfig(facts.config, facts.state)
        self._rollout = rollout
        self._facts = facts
        self._after = after
        self._audit_log = AuditLog(facts.state)
        self._sources: SourceTexts | None = None
        self.judged = asyncio.Event()
        """Set when the config on disk has been tried for the first time."""
        self._candidate: Accepted | None = None
        """What the last attempt has compiled."""
        self._lock = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._attempt: asyncio.Task[ReloadResult] | None = None
        self._stopping = asyncio.Event()

    async def command(self, request: Request) -> Answer:
        """Serve ``reload`` on the control socket."""
        accepted = [ALL_LISTS] if request.get("accept") is True else []
        return (await self.reload(str(request["who"]), accepted=accepted)).as_json()

    async def activate(self, request: Request) -> Answer:
        """Serve ``activate`` on the control socket: a config whose files the caller sends.

        ``before`` is the hash of the snapshot in force that the caller has read. If it is another
        one now, the config lacks what was put in force meanwhile. ``fetched`` may name copies of
        fetched lists by their hashes, to be used as far as the server still has them. ``began`` has
        the SHA-256 of each file that the caller then writes, as it is on disk now.
        """
        texts, event, fetched = request.get("texts"), request.get("event"), request.get("fetched")
        if not isinstance(texts, dict) or event not in _EVENTS:
            return {"error": "the request names no config or no event"}
        known = {each.name for each in self._facts.terms.subscriptions}
        copies = fetched.items() if isinstance(fetched, dict) else ()
        wanted = {name: str(sha256) for name, sha256 in copies if name in known}
        given, read_before = SourceTexts(texts, None, wanted), request.get("before")
        before = None if read_before is None else str(read_before)  # an older command has none
        accepted = [ALL_LISTS] if request.get("accept") is True else []
        began = request.get("began")
        result = await self.reload(
            str(request["who"]),
            str(event),
            given=given,
            before=before,
            accepted=accepted,
            began=began if isinstance(began, dict) else {},  # an older command has none
        )
        return result.as_json()

    async def in_force(self, _: Request) -> Answer:
        """Serve ``in-force`` on the control socket: a ``PolicyInForce``."""
        await self.judged.wait()
        began = self.unwritten.began
        return asdict(PolicyInForce(self._facts.snapshot, self._sources, began))

    async def hang_up(self) -> None:
        """Put the config on disk in force, or what a killed command has not written of it."""
        kept = await asyncio.to_thread(self.unwritten.kept)
        began = self.unwritten.began if kept else None
        await self.reload("SIGHUP", given=kept, began=began or {})

    async def reload(
        self,
        who: str,
        event: str = "reload",
        *,
        lists_only: bool = False,
        given: SourceTexts | None = None,
        before: str | None = None,
        switch: PolicySwitch | None = None,
        accepted: Sequence[str] = (),
        began: Mapping[str, str | None] | None = None,
    ) -> ReloadResult:
        """Put the config in force; the audit log gets ``who`` asks for it, and ``event``, why.

        With ``given`` it is a config that the caller writes if it is put in force. ``before`` is
        the hash of the snapshot that must still be in force; None for any. With ``lists_only`` it
        is the config as it was last put in force, with the lists that were fetched since. That
        config is unknown while a last good snapshot is served; then the config on disk is tried,
        as at the start. ``switch`` is another commit of the policy; else the policy from git is
        the one on disk. ``accepted`` are the lists whose losses a person accepts. ``began`` has
        the files that the caller then writes.
        """
        async with self._lock:
            if self._stopping.is_set():
                return self._too_late()
            if before not in (None, self._facts.snapshot):
                return self._ended("failed", [_OVERTAKEN], WRONG_CONFIG)
            sources = self._sources if lists_only else given
            if sources is not None:
                own = without_pulled(self._facts.config, sources.texts)
                sources = replace(sources, texts=own)
            exchanged = {} if given is None else await self._exchange(given.fetched)
            if switch is not None:
                await asyncio.to_thread(switch.tree.switch, switch.commit)
            result = await self._attempted(who, event, sources, switch, accepted)
            if result is None:
                return self._too_late()
            if result.code:
                await self._exchange(exchanged)
            if result.code and switch is not None:
                await asyncio.to_thread(switch.tree.restore)
            self._facts.reloads[result.result] += 1
            if sources is None or (given is not None and not result.code):
                self._note(result)
                if not result.code:
                    texts = {} if given is None else given.texts
                    await asyncio.to_thread(self.unwritten.begin, began or {}, texts)
            self._facts.last_reload = LastReload(
                time.time(), result.result, who, tuple(result.report)
            )
        write = log.error if result.code else log.info
        outcome = result.result.replace("_", " ")
        write("%s by %s: %s, snapshot %s", event, who, outcome, result.snapshot)
        for line in result.report:
            write("%s", line)
        self._after()
        return result

    async def start(self, who: str) -> tuple[ReloadResult, Accepted | None] | None:
        """Put the config on disk in force after a start with the last good snapshot.

        How that ended, and what was compiled; None where the server stops. The caller tells it.
        """
        async with self._lock:
            kept = await asyncio.to_thread(self.unwritten.kept)
            result = await self._attempted(who, START, kept, None, ())
            if result is None:
                return None
            self._note(result)
            if kept is None and not result.code:
                await asyncio.to_thread(self.unwritten.end)
            if result.code and result.result != "needs_restart":
                await self.activated(f"{START} --last-good", who, None)
            candidate = self._candidate
        self._after()
        return result, candidate

    async def _attempted(
        self,
        who: str,
        event: str,
        sources: SourceTexts | None,
        switch: PolicySwitch | None,
        accepted: Sequence[str],
    ) -> ReloadResult | None:
        """How the reload ended; None where the server stops. The caller has the lock."""
        self._attempt = asyncio.create_task(self._try(who, event, sources, switch, accepted))
        try:
            return await self._attempt
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            return None

    def _note(self, result: ReloadResult) -> None:
        """Note whether the config on disk is in force."""
        self._facts.config_ok = not result.code
        may_be_right = result.result in ("failed", "held", "needs_restart")
        self._facts.config_failure = "; ".join(result.report) if may_be_right else ""

    async def _exchange(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Use other copies of fetched lists, as far as they are kept; the hashes before."""
        lists = ListStore(self._facts.state)
        before = {name: lists.record(name).sha256 for name in wanted}
        exchanged = {}
        for name, sha256 in wanted.items():
            try:
                if await asyncio.to_thread(lists.exchange, name, sha256):
                    exchanged[name] = before[name]
            except OSError as error:
                log.error("list %s: no other copy can be used (%s)", name, error.strerror)
        return exchanged

    def _too_late(self) -> ReloadResult:
        return self._ended("failed", ["the server is stopping"], WRONG_CONFIG)

    def _ended(self, result: str, report: list[str], code: int = 0) -> ReloadResult:
        return ReloadResult(result, code, self._facts.snapshot, report)

    async def _try(
        self,
        who: str,
        event: str,
        sources: SourceTexts | None,
        switch: PolicySwitch | None,
        accepted: Sequence[str],
    ) -> ReloadResult:
        self._candidate = None
        try:
            await restore_policy_files(self._facts.state)
            self._candidate = candidate = await compile_in_child(
                self._facts.config,
                self._facts.state,
                while_serving=True,
                sources=sources,
                accepted=accepted,
            )
            new, current = read(Path(candidate.snapshot)), self._rollout.current
            if new.path.name == current.path.name:
                self._rollout.look_up_upstreams()
                mark_good(current.path)  # that may have failed, or the mark was removed
                once = switch is None and event != START  # each commit and start gets its line
                await self.activated(event, who, candidate.sources, once=once)
                return self._ended("unchanged", candidate.warnings)
            changes = list(needs_restart(current.terms, new.terms))
            if changes:
                return self._ended("needs_restart", changes, WRONG_CONFIG)
            before = lacking_sources(new.terms if event == START else current.terms)
            lacking = [each for each in lacking_sources(new.terms) if each not in before]
            if lacking:
                return self._ended("failed", lacking, WRONG_CONFIG)
            if switch is not None:
                current.pinned.restore()
                await switch.check(current.path, new.path)
            await self._rollout.switch_to(new)
        except (NotCompiled, store.StateError, LoadFailed) as error:
            return self._ended("failed", [str(error)], WRONG_CONFIG)
        except OSError as error:
            reason = f"{error.filename or self._facts.state}: {error.strerror}"
            return self._ended("failed", [reason], WRONG_CONFIG)
        except Held as error:
            return self._ended("held", error.report, error.code)
        except Rejected as error:
            result = "refused" if error.code == FAILED_EXPECTATIONS else "invalid"
            return self._ended(result, error.report, error.code)
        facts = self._facts
        facts.terms, facts.snapshot, facts.loaded = new.terms, new.path.name, time.time()
        mark_good(new.path)
        await self.activated(event, who, candidate.sources)
        return self._ended("applied", candidate.warnings)

    async def switch(self, who: str, switch: PolicySwitch, accepted: Sequence[str]) -> ReloadResult:
        """Put another commit of the policy in force; the rest as it was last put in force.

        OSError where the files of the commit cannot be put in place.
        """
        return await self.reload(who, "pull", lists_only=True, switch=switch, accepted=accepted)

    async def refused(self, what: str) -> None:
        """Note in the audit log that a commit of the policy was refused."""
        await self._write(partial(self._audit_log.refused, time.time(), what))

    async def stop(self, who: str) -> None:
        """Cancel a reload that is under way, start no other, and note that the server stops."""
        self._stopping.set()
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.wait([self._attempt])
        await self._write(partial(self._audit_log.stopped, time.time(), who))

    async def activated(
        self, event: str, who: str, sources: SourceTexts | None, *, once: bool = False
    ) -> None:
        """Note in the audit log that the snapshot in force was put in force from these sources.

        With ``once`` nothing is noted where the log has these sources already.
        """
        self._sources = sources
        self.judged.set()
        current = self._rollout.current
        entry = (time.time(), event, who, current.path.name, current.terms, sources)
        await self._write(partial(self._audit_log.activated, *entry, once=once))

    async def noted_ends(self) -> NotedEnds:
        """The ends of exemptions that the audit log has."""
        try:
            return await asyncio.to_thread(self._audit_log.ends)
        except OSError as error:
            log.error("%s: the audit log cannot be read (%s)", self._facts.state, error.strerror)
            return NotedEnds()

    async def ended(self, exemption: ExemptionDetails) -> None:
        """Note in the audit log that an exemption has ended."""
        log.info("exemption %s has ended", exemption.id)
        await self._write(partial(self._audit_log.ended, time.time(), exemption))

    async def _write(self, write: Callable[[], None]) -> None:
        try:
            async with self._writing:
                await asyncio.to_thread(write)
        except OSError as error:
            log.error("%s: the audit log cannot be written (%s)", self._facts.state, error.strerror)


def mark_good(snapshot: Path) -> None:
    """Make a snapshot that serves the last good one, and remove old snapshots."""
    try:
        store.mark_good(snapshot)
        store.prune(snapshot)
    except OSError as error:
        directory = snapshot.parent
        log.error("%s: the state directory cannot be written to (%s)", directory, error.strerror)
