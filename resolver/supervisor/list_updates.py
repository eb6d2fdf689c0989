"""Lists that are fetched, as the supervisor sees to them: by their schedule, and by command."""

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from resolver.metrics.facts import ServerFacts
from resolver.snapshot.candidate import FAILED_EXPECTATIONS
from resolver.snapshot.list_store import ListsNotApplied, ListStore
from resolver.supervisor.control import Answer, Request
from resolver.supervisor.reload import ReloadResult

if TYPE_CHECKING:
    from resolver.fetch.schedule import UpdateSchedule


class ListUpdates:
    """What fetches lists while the server runs, and has it told what came."""

    def __init__(
        self,
        state: Path,
        facts: ServerFacts,
        reload: Callable[[], Awaitable[ReloadResult]],
        background: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        """``reload`` puts what was fetched in force; ``background`` sees to work that goes on."""
        self._state = state
        self._facts = facts
        self._reload = reload
        self._background = background
        self._schedule: UpdateSchedule | None = None

    async def run(self) -> None:
        """Fetch what is due, for ever."""
        # after the first answer: importing it takes long
        from resolver.fetch.schedule import UpdateSchedule

        self._schedule = UpdateSchedule(
            ListStore(self._state), lambda: self._facts.terms, self._facts.lists, self._apply
        )
        await self._schedule.run()

    def look(self) -> None:
        """See what is due by the config that is in force now."""
        if self._schedule is not None:
            self._schedule.look()

    async def lists(self, _: Request) -> Answer:
        """How far the lists are that are fetched now, or were last."""
        return {} if self._schedule is None else self._schedule.job.as_json()

    async def update(self, request: Request) -> Answer:
        """Begin to bring lists up to date; ``lists`` tells how far that is."""
        names = request.get("names")
        if self._schedule is None or not isinstance(names, list):
            return {"error": "not now"}
        if not self._schedule.job.done:
            return {"error": "lists are being fetched already"}
        try:
            work = self._schedule.begin(names, request.get("smaller_too") is True)
        except KeyError as error:
            known = ", ".join(each.name for each in self._facts.terms.subscriptions) or "none"
            return {"error": f"the config in force fetches no list {error}, but {known}"}
        self._background(work)
        return self._schedule.job.as_json()

    async def _apply(self) -> ListsNotApplied | None:
        """Put what was fetched in force, or say why it was not."""
        outcome = await self._reload()
        if not outcome.code:
            return None
        return ListsNotApplied("; ".join(outcome.report), outcome.code == FAILED_EXPECTATIONS)
