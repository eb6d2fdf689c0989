"""The policy from git while the server runs: pulled each minute, and by command.

A commit that may be used (``fetch.repository``) is put in force by a reload with the
server's own files as they were put in force last: its expectations are run, then the recorded
questions are replayed under it. Where anything fails, the policy in force stays.

A pull: ``fetch.repository`` fetches and checks the commits, and writes the files of the newest
below ``policy-trees``. A reload with a ``Switch`` leads the link ``policy`` to them; the compiler
merges their config.toml with the server's (``config.pulled_policy``), and
``compiler.newly_blocked`` replays the questions. A record names the commit. Each start and reload
first restores the link by the record, has git compare the files with the commit, and writes them
anew where they differ (``restore_policy_files``).

What must stay true:
- The link ``policy`` leads to a commit that is not in force only during its reload.
- A commit whose reload was refused is not compiled again each minute.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from resolver import DarbanError
from resolver.compiler.compilation_result import (
    ALL_LISTS,
    FAILED_EXPECTATIONS,
    WRONG_CONFIG,
    NotCompiled,
    Rejected,
)
from resolver.compiler.newly_blocked import NewlyBlocked
from resolver.fetch.git import GitFailed
from resolver.fetch.policy_tree import QUESTIONS, DamagedRecord, PolicyTree, PulledPolicy
from resolver.fetch.repository import CommitRefused, FetchedCommit, PolicyRepository, write_files
from resolver.metrics.part import Answer, Command, Part, Request
from resolver.metrics.part_states import PullsState
from resolver.metrics.served_config import ServedConfig
from resolver.metrics.status import PolicySourceStatus
from resolver.policy.settings import PolicySource
from resolver.supervisor.reload import ReloadResult, Switch
from resolver.system.background_priority import run_in_background
from resolver.system.english import count_text
from resolver.system.log import log

_EVERY = 60.0
"""Seconds between two pulls."""
_AGAIN = 3600.0
"""Seconds until a commit whose reload was refused is tried again without a command."""


def restore_policy(state: Path) -> None:
    """Let a server begin with the policy that was pulled and in force last."""
    with contextlib.suppress(OSError, DamagedRecord):  # then what the link leads to is compiled
        PolicyTree(state).restore()


async def restore_policy_files(state: Path) -> None:
    """Have the files of the pulled policy as git has them in its commit, before they are compiled.

    Raises:
        NotCompiled: git cannot compare them.
    """
    tree = PolicyTree(state)
    try:
        if commit := tree.linked_commit():
            await write_files(tree, commit)
    except (GitFailed, OSError) as error:
        reason = f"its files cannot be compared with the commit in {tree.repository} ({error})"
        advice = "If that is damaged, remove it; then run 'darban pull' and 'darban reload'"
        raise NotCompiled([f"{tree.current}: {reason}. {advice}"]) from None


class _NotInForce(Exception):
    """The reload did not put the commit in force."""


class PolicyPulls(Part):
    """Pulls the policy, as often as it is due and as somebody asks for it."""

    waits_for_config = True

    def __init__(
        self,
        config: ServedConfig,
        put_in_force: Callable[[str, Switch, Sequence[str]], Awaitable[ReloadResult]],
        note_refused: Callable[[str], Awaitable[None]],
    ) -> None:
        """``put_in_force`` is ``Reloader.switch``.

        ``note_refused`` notes in the audit log that a commit was refused.
        """
        self._config = config
        self._state = PullsState()
        self._put_in_force = put_in_force
        self._note_refused = note_refused
        self._tree = PolicyTree(config.state)
        self._lock = asyncio.Lock()
        self._refused: tuple[str, float, list[str], int] | None = None
        """A commit whose reload was refused, the monotonic time of that, report and exit code."""
        self._in_force: PulledPolicy | None = None
        self._noted = ""
        """The last refusal in the audit log."""

    def commands(self) -> Mapping[str, Command]:
        """``pull``."""
        return {"pull": self.command}

    def states(self) -> Iterable[object]:
        """A ``PullsState``."""
        yield self._state

    async def run(self) -> None:
        """Pull each minute, until cancelled."""
        while True:
            source = self._config.compiled.settings.policy_source
            if source is None:
                self._state = replace(self._state, source=None)
            else:
                async with self._lock:
                    await self._pull(source, "timer", None, accept=False, again=False)
            await asyncio.sleep(_EVERY * random.uniform(0.9, 1.1))

    async def command(self, request: Request) -> Answer:
        """Serve ``pull`` on the control socket; ``bundle`` names a file in the state directory."""
        source = self._config.compiled.settings.policy_source
        if source is None:
            return {"result": "none"}
        bundle = request.get("bundle")
        file = self._config.state / Path(str(bundle)).name if bundle else None
        async with self._lock:
            who, accept = str(request["who"]), request.get("accept") is True
            return await self._pull(source, who, file, accept=accept, again=True)

    async def _pull(
        self, source: PolicySource, who: str, bundle: Path | None, *, accept: bool, again: bool
    ) -> Answer:
        """Pull once; ``again`` tries also a commit whose reload was refused before."""
        repository = PolicyRepository(self._config.file, self._tree, source)
        fetched, code, logged = FetchedCommit(""), 0, False
        try:
            fetched = await repository.fetch(bundle)
            result, report, code = await self._apply(
                source, who, fetched, accept=accept, again=again
            )
            logged = True  # a reload logs its own result
            if not code:
                await repository.keep(fetched.commit)
        except CommitRefused as error:
            fetched, result, report, code = error.commit, "refused", [str(error)], error.code
        except DarbanError as error:
            result, report, code = "failed", [str(error)], error.code
        except OSError as error:
            reason = f"{error.filename or self._config.state}: {error.strerror}"
            result, report, code = "failed", [reason], WRONG_CONFIG
        await self._note(source, who, result, report, logged=logged)
        return {"result": result, **asdict(fetched), "report": report, "code": code}

    async def _apply(
        self, source: PolicySource, who: str, fetched: FetchedCommit, *, accept: bool, again: bool
    ) -> tuple[str, list[str], int]:
        """Put a commit in force, unless it is; the result, the report and the exit code."""
        record, now = self._tree.record(), time.time()
        if record is not None and record.commit == fetched.commit:
            record = replace(record, pulled=now, dated=fetched.dated)
            self._tree.write(record)
            return "unchanged", record.expired(source.expires_days, now), 0
        if self._refused is not None and not again:
            commit, at, report, code = self._refused
            if commit == fetched.commit and time.monotonic() - at < _AGAIN:
                return "refused", report, code
        self._refused = None
        switch = Switch(
            "pull",
            partial(self._tree.switch, fetched.commit),
            partial(self._check, source, accept),
            self._tree.restore,
        )
        pulled = PulledPolicy(fetched.commit, fetched.signer, now, now, fetched.dated)
        with contextlib.suppress(_NotInForce), self._tree.writing(pulled):
            accepted = [ALL_LISTS] if accept else []
            reload = await self._put_in_force(f"{who}: {fetched}", switch, accepted)
            if reload.code:
                raise _NotInForce
        report = reload.report
        if reload.result == "failed":
            return "failed", report, reload.code
        if reload.code:
            report = [f"{fetched}: refused:", *report]
            self._refused = (fetched.commit, time.monotonic(), report, reload.code)
            return "refused", report, reload.code
        if not (self._config.state / QUESTIONS).exists():
            report = [*report, _NO_QUESTIONS]
        return "applied", [*report, *pulled.expired(source.expires_days, now)], 0

    async def _check(self, source: PolicySource, accept: bool, old: Path, new: Path) -> None:
        """Replay the recorded questions; Rejected where too many names are blocked newly."""
        questions = self._config.state / QUESTIONS
        if accept or not questions.exists():
            return
        module = "resolver.compiler.newly_blocked"
        printed, code = await run_in_background(module, str(old), str(new), str(questions))
        try:
            blocked = NewlyBlocked(**json.loads(printed))
        except ValueError:
            blocked = NewlyBlocked(problem=f"{questions}: the replay ended with exit code {code}")
        if blocked.problem:
            raise Rejected([blocked.problem, _RECORD_AGAIN], WRONG_CONFIG)
        if blocked.names > source.max_newly_blocked:
            more = ", ..." if blocked.names > len(blocked.first) else ""
            passing = count_text(
                blocked.names, "recorded name that passes", "recorded names that pass"
            )
            raise Rejected(
                [
                    f"it blocks {passing} now, more than {source.max_newly_blocked}: "
                    f"{', '.join(blocked.first)}{more}",
                    "if this is meant: darban pull --accept",
                ],
                FAILED_EXPECTATIONS,
            )

    async def _note(
        self, source: PolicySource, who: str, result: str, report: list[str], *, logged: bool
    ) -> None:
        """Note the result in the status, the metrics, the log and the audit log."""
        state = self._state
        with contextlib.suppress(OSError, DarbanError):
            self._in_force = self._tree.record()
        record = self._in_force or PulledPolicy("", "", 0.0, 0.0)
        problem = "\n".join(report) if result in ("refused", "failed") else ""
        counts = {**state.counts, result: state.counts.get(result, 0) + 1}
        status = PolicySourceStatus(
            source.repository,
            source.branch,
            **asdict(record),
            at=time.time(),
            result=result,
            problem=problem,
            expiry=record.expiry(source.expires_days),
        )
        self._state = PullsState(counts, status)
        before = state.source
        if problem and not logged and (before is None or before.problem != problem):
            log.error("policy of %s: %s", source.repository, problem)
        if result == "refused" and self._noted != problem:
            self._noted = problem
            await self._note_refused(f"{who}: {problem}")


_NO_QUESTIONS = "no recorded questions were tried: 'darban record --keep' records them"
_RECORD_AGAIN = "record again with 'darban record --keep', or try none: darban pull --accept"
