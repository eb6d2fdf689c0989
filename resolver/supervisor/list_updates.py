"""Fetched lists while the server runs: once a day each, sooner after a failure, and by command.

At the start the lists are fetched whose copy is older than a day or damaged, or whose last fetch
failed; the server does not wait for them. A list whose URL or format has changed in the config is
fetched at once. New copies are put in force by a reload of the lists alone. Where expectations fail
for a name of a list, this list is held, and the others come in force. Where they fail all the same,
the copies before are restored, and the lists count as failed.

What must stay true:
- Times are of the wall clock, since copies outlive processes; a clock that is set back delays a
  list by a day at most.
- After any failure the lists are tried again.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from resolver.fetch.update_job import UpdateJob, UpdateResult
from resolver.metrics.part import Answer, Command, Part, Request
from resolver.metrics.part_states import FetchedLists, FetchState
from resolver.metrics.served_config import ServedConfig
from resolver.policy.settings import Subscription
from resolver.snapshot.list_store import ListRecord, ListStore, asked
from resolver.supervisor.background_tasks import wait_at_most
from resolver.supervisor.reload import ReloadResult
from resolver.system.english import count_text
from resolver.system.log import log
from resolver.upstream.addresses import bootstrap

DAY = 86_400.0
_RETRY = 300.0
_MAX_RETRY = DAY / 4
_WHO = "a list that was fetched"
"""Asks for the reload."""


class ListUpdates(Part):
    """Keeps the lists of the config in force up to date."""

    waits_for_config = True

    def __init__(
        self,
        config: ServedConfig,
        put_in_force: Callable[[str, Sequence[str]], Awaitable[ReloadResult]],
        note_reset: Callable[[str], Awaitable[None]],
    ) -> None:
        """``put_in_force`` is ``Reloader.lists``, ``note_reset`` ``AuditWriter.serial_reset``."""
        self._config = config
        self._store = ListStore(config.state)
        self._states: dict[str, FetchState] = {}
        self._put_in_force = put_in_force
        self._note_reset = note_reset
        self._changed = asyncio.Event()
        self._updating = asyncio.Lock()
        """One update at a time."""
        self._waiting: set[str] = set()
        """Lists with good copies that are not in force yet, for a reason outside of them."""
        self._not_before: dict[Subscription, float] = {}
        """By the monotonic clock; used where not even a failure could be noted on disk."""
        self._follow()

    def commands(self) -> Mapping[str, Command]:
        """``update-lists``."""
        return {"update-lists": self.command}

    def states(self) -> Iterable[object]:
        """A ``FetchedLists``, with the lists that were in the config since the start."""
        yield FetchedLists(dict(self._states))

    def after_reload(self) -> None:
        """Fetch the lists that are new in the config."""
        self._changed.set()

    async def run(self) -> None:
        """Fetch lists when they are due, until cancelled."""
        failed_before = {s.name for s in self._follow() if self._store.record(s.name).failures}
        while True:
            self._changed.clear()
            async with self._updating:
                at_once = failed_before | await asyncio.to_thread(self._damaged)
                waits = {
                    subscription: self._wait(subscription, at_once)
                    for subscription in self._follow()
                }
                due = [subscription for subscription, wait in waits.items() if wait <= 0]
                failed_before.clear()
                if due:
                    await self._update(due, accept=False)
                    pause = time.monotonic() + _RETRY / 2
                    self._not_before = dict.fromkeys(due, pause)
                    continue
            await wait_at_most(min(waits.values(), default=DAY), self._changed)

    def _follow(self) -> Sequence[Subscription]:
        subscriptions, states = self._config.compiled.subscriptions, self._states
        for subscription in subscriptions:
            if subscription.name not in states:
                record = self._store.record(subscription.name)
                states[subscription.name] = _state(record, 0)
        return subscriptions

    def _damaged(self) -> set[str]:
        """The lists whose newest copy is damaged, and that were not tried again since."""
        names = [subscription.name for subscription in self._config.compiled.subscriptions]
        return {
            name
            for name in names
            if not self._store.record(name).failures
            and self._store.damage(name)
            and not self._store.newest(name)
        }

    def _wait(self, subscription: Subscription, at_once: Container[str]) -> float:
        at_least = self._not_before.get(subscription, 0.0) - time.monotonic()
        if subscription.name in at_once:
            return max(at_least, 0.0)
        record = self._store.record(subscription.name)
        if subscription.allowed_signers and self._signers_changed(subscription, record.tried):
            return max(at_least, 0.0)
        return max(at_least, min(due(subscription, record) - time.time(), DAY))

    def _signers_changed(self, subscription: Subscription, since: float) -> bool:
        """Whether the keys that may sign a list have changed: a reload then has it checked."""
        try:
            file = self._config.file.parent / subscription.allowed_signers
            return since < file.stat().st_mtime <= time.time()
        except OSError:
            return False  # the next update says so

    async def command(self, request: Request) -> Answer:
        """Serve ``update-lists`` on the control socket; the answer is an ``UpdateJob``."""
        names = request.get("names")
        if not isinstance(names, list):
            return {"error": "found no names of lists"}
        reset_serial = request.get("reset_serial") is True
        try:
            job = await self.update(
                names, accept=request.get("accept") is True, reset_serial=reset_serial
            )
        except KeyError as error:
            known = (
                ", ".join(subscription.name for subscription in self._config.compiled.subscriptions)
                or "none"
            )
            return {"error": f"the config in force fetches no list {error}; it fetches {known}"}
        taken = [name for name in job.names if job.results[name].result in ("updated", "unchanged")]
        if reset_serial and taken:
            await self._note_reset(f"{request['who']}: {', '.join(taken)}")
        return asdict(job)

    async def update(
        self, names: Iterable[str], *, accept: bool, reset_serial: bool = False
    ) -> UpdateJob:
        """Update some lists, or all where none is named, after an update that runs.

        Raises:
            KeyError: there is no list of a name.
        """
        known = {
            subscription.name: subscription for subscription in self._config.compiled.subscriptions
        }
        wanted = [known[name] for name in dict.fromkeys(names)]
        async with self._updating:
            return await self._update(
                wanted or [*known.values()], accept=accept, reset_serial=reset_serial
            )

    async def _update(
        self, wanted: Sequence[Subscription], *, accept: bool, reset_serial: bool = False
    ) -> UpdateJob:
        """Update lists; the caller has the lock."""
        job = UpdateJob([subscription.name for subscription in wanted])
        before = {subscription: self._store.record(subscription.name) for subscription in wanted}
        try:
            # Slow to import: not at the start.
            from resolver.fetch.update import authorities, update_lists

            compiled = self._config.compiled
            servers, ca_file = bootstrap(compiled), authorities(compiled, self._config.file)
            await update_lists(
                *(job, wanted, self._store, servers, ca_file),
                accept=accept,
                reset_serial=reset_serial,
                folder=self._config.file.parent,
            )
            if job.updated() or self._waiting:
                await self._apply(job, before, job.names if accept else ())
        except Exception as error:  # a full disk, or a fault of this code: try again later
            log.exception("lists cannot be updated")
            for subscription, record in before.items():
                reason = f"{type(error).__name__}: {error}"
                job.results[subscription.name] = UpdateResult("failed", record.entries, reason)
        self._report(job)
        self._changed.set()
        return job

    async def _apply(
        self, job: UpdateJob, before: dict[Subscription, ListRecord], accepted: Sequence[str]
    ) -> None:
        """Put the new copies in force, as far as the expectations hold with them.

        A person accepts what lists have lost that are among ``accepted``.
        """
        reload = await self._put_in_force(_WHO, accepted)
        if reload.result == "refused" and job.hold(
            self._store, before, reload.lists, "; ".join(reload.report)
        ):
            reload = await self._put_in_force(_WHO, accepted)
        why = "; ".join(reload.report)
        if not reload.code:
            self._waiting.clear()
        elif reload.result == "refused":
            job.take_back(self._store, before, why)
            await self._put_in_force(_WHO, ())
        else:
            self._waiting.update(job.updated())
            for name in self._waiting & job.results.keys():
                reason = job.results[name].reason or f"not in force yet: {why}"
                job.results[name] = replace(job.results[name], reason=reason)

    def _report(self, job: UpdateJob) -> None:
        for name, result in job.results.items():
            state = self._states.get(name, FetchState())
            record = self._store.record(name)
            if result.result == "failed":
                failures, fault = state.failures + 1, record.copy_fault
                self._states[name] = replace(state, failures=failures, copy_fault=fault)
                log.error("list %s: %s; what is in force of it stays", name, result.reason)
                continue
            self._states[name] = _state(record, state.failures)
            if result.result == "held":
                log.warning("list %s: held, %s; the copy in use stays", name, result.reason)
                continue
            text = f"list {name}: {result.result}, {count_text(result.entries, 'name')}"
            if result.reason:
                log.error("%s, %s", text, result.reason)
            else:
                log.info("%s", text)


def _state(record: ListRecord, failures: int) -> FetchState:
    return FetchState(record.updated, failures, record.is_held, record.copy_fault)


def due(subscription: Subscription, record: ListRecord) -> float:
    """The moment to fetch a list next, in seconds since 1970."""
    if record.asked != asked(subscription):
        return 0.0
    pause = DAY
    if record.failures:
        pause = min(_RETRY * 2.0 ** min(record.failures - 1, 10), _MAX_RETRY)
    spread = random.Random(f"{subscription.name} {record.tried}").uniform(0.9, 1.1)
    return record.tried + pause * spread
