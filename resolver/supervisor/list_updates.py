"""Fetched lists while the server runs: updated on schedule, and by command."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from resolver.metrics.facts import ServerFacts
from resolver.snapshot.candidate import FAILED_EXPECTATIONS
from resolver.snapshot.list_store import ListsNotApplied
from resolver.supervisor.background import BackgroundTasks
from resolver.supervisor.control import Answer, Request
from resolver.supervisor.reload import Reloader

if TYPE_CHECKING:
    from resolver.fetch.schedule import UpdateSchedule


class ListUpdates:
    """Runs the update schedule, and reloads when a list has changed."""

    def __init__(self, facts: ServerFacts, reloader: Reloader, background: BackgroundTasks) -> None:
        self._facts = facts
        self._reloader = reloader
        self._background = background
        self._schedule: UpdateSchedule | None = None
        self._has_schedule = asyncio.Event()

    async def run(self) -> None:
        """Fetch the lists that are due, until cancelled."""
        from resolver.fetch.schedule import UpdateSchedule  # slow to import: after the start

        self._schedule = UpdateSchedule(self._facts, self._apply)
        self._has_schedule.set()
        await self._schedule.run()

    def look(self) -> None:
        """Look which lists are due by the config in force now."""
        if self._schedule is not None:
            self._schedule.look()

    async def lists(self, _: Request) -> Answer:
        """The progress of the update that runs now, or the result of the last one."""
        return {} if self._schedule is None else asdict(self._schedule.job)

    async def update(self, request: Request) -> Answer:
        """Start to update lists; ``lists`` gives the progress.

        While an update runs, none is started, and the answer has its progress, and ``busy``.
        """
        await self._has_schedule.wait()
        names = request.get("names")
        if self._schedule is None or not isinstance(names, list):
            return {"error": "found no names of lists"}
        if not self._schedule.job.done:
            return {**asdict(self._schedule.job), "busy": True}
        try:
            work = self._schedule.begin(names, request.get("accept") is True)
        except KeyError as error:
            known = ", ".join(each.name for each in self._facts.terms.subscriptions) or "none"
            return {"error": f"the config in force fetches no list {error}, but {known}"}
        self._background.start(work)
        return asdict(self._schedule.job)

    async def _apply(self) -> ListsNotApplied | None:
        """Put the fetched lists in force; the reason where that failed."""
        reload = await self._reloader.reload("a list that was fetched", "lists", lists_only=True)
        if not reload.code:
            return None
        return ListsNotApplied("; ".join(reload.report), reload.code == FAILED_EXPECTATIONS)
