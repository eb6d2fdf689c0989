"""Fetched lists while the server runs: updated on schedule, and by command."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from resolver.metrics.part import Answer, Command, Part, Request
from resolver.metrics.served_config import ServedConfig
from resolver.snapshot.list_store import ListsNotApplied
from resolver.supervisor.list_schedule import UpdateSchedule
from resolver.supervisor.reload import Reloader


class ListUpdates(Part):
    """Runs the update schedule, and reloads when a list has changed."""

    waits_for_config = True

    def __init__(self, config: ServedConfig, reloader: Reloader) -> None:
        self._config = config
        self._reloader = reloader
        self._schedule = UpdateSchedule(config, self._apply)

    def commands(self) -> Mapping[str, Command]:
        """``update-lists``."""
        return {"update-lists": self.update}

    async def run(self) -> None:
        """Fetch lists when they are due, until cancelled."""
        await self._schedule.run()

    def after_reload(self) -> None:
        """Fetch the lists that are new in the config."""
        self._schedule.look()

    def states(self) -> Iterable[object]:
        """A ``FetchedLists``."""
        yield self._schedule.lists

    async def update(self, request: Request) -> Answer:
        """Update lists; the answer is an ``UpdateJob``."""
        names = request.get("names")
        if not isinstance(names, list):
            return {"error": "found no names of lists"}
        try:
            job = await self._schedule.update(names, accept=request.get("accept") is True)
        except KeyError as error:
            known = ", ".join(each.name for each in self._config.compiled.subscriptions) or "none"
            return {"error": f"the config in force fetches no list {error}, but {known}"}
        return asdict(job)

    async def _apply(self, accepted: Sequence[str]) -> ListsNotApplied | None:
        """Put the fetched lists in force; the reason where that failed.

        A person accepts what lists have lost that are among ``accepted``.
        """
        reload = await self._reloader.lists("a list that was fetched", accepted)
        if not reload.code:
            return None
        return ListsNotApplied("; ".join(reload.report), reload.result == "refused", reload.lists)
