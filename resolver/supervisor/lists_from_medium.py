"""Lists from a medium in the place of those of the release, by command.

The command has stored them in the state directory (``ShippedLists.keep``). They are checked here,
whatever has stored them, and put in force by a reload with the config as it was last put in force.
Where the reload fails, the lists before are read again.

Those in force are checked hourly, and after each reload: their manifest may expire, and a key may
be removed from those that may sign.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Final

from resolver.compiler.compilation_result import ALL_LISTS, WRONG_CONFIG
from resolver.fetch.lists_release import (
    ReleaseRefused,
    refusal,
    refuse_older,
    signers_of,
    verified,
)
from resolver.metrics.part import Answer, Command, Part, Request
from resolver.metrics.part_states import MediumState
from resolver.metrics.served_config import ServedConfig
from resolver.snapshot.shipped_lists import Note, ShippedLists, release_hash
from resolver.supervisor.background_tasks import wait_at_most
from resolver.supervisor.reload import ReloadResult, Switch
from resolver.system.log import log

FROM_MEDIUM: Final = "lists --from"
SHIPPED: Final = "lists --shipped"
"""The events of the audit log."""
_NAME: Final = re.compile("[0-9a-f]{16}")
_EACH: Final = 3600.0
"""Seconds between two checks of the lists in force."""


class ListsFromMedium(Part):
    """Puts lists from a medium in force, or those of the release again."""

    def __init__(
        self,
        config: ServedConfig,
        put_in_force: Callable[[str, Switch, Sequence[str]], Awaitable[ReloadResult]],
    ) -> None:
        """``put_in_force`` is ``Reloader.switch``."""
        self._config = config
        self._put_in_force = put_in_force
        self._lists = ShippedLists(config.state)
        self._lock = asyncio.Lock()
        self._state = MediumState()
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Check the lists in force again and again, until cancelled."""
        while True:
            self._wanted.clear()
            await self.look()
            await wait_at_most(_EACH, self._wanted)

    def after_reload(self) -> None:
        """Check soon: other lists may be in force, or other keys may sign."""
        self._wanted.set()

    def states(self) -> Iterable[object]:
        """A ``MediumState``."""
        yield self._state

    async def look(self) -> None:
        """Note why the lists in force would not be accepted now, where they are from a medium."""
        compiled, directory, why = self._config.compiled, self._lists.current, ""
        if any(PurePath(source.file).parent == directory for source in compiled.sources):
            signers = signers_of(compiled.settings, self._config.file)
            why = await refusal(directory, signers, time.time())
        self._state = MediumState(why)

    def commands(self) -> Mapping[str, Command]:
        """``replace-lists``."""
        return {"replace-lists": self.command}

    async def command(self, request: Request) -> Answer:
        """Serve ``replace-lists``; ``name`` is that of stored lists, or empty for the release's."""
        name, who = request.get("name"), str(request["who"])
        if not isinstance(name, str) or not (name == "" or _NAME.fullmatch(name)):
            return {"error": "the request names no stored lists"}
        async with self._lock:
            try:
                answer = await self._replace(name, who, accept=request.get("accept") is True)
            except ReleaseRefused as error:
                log.error("lists from a medium, by %s: %s", who, error)
                answer = {"result": "not_accepted", "report": [str(error)], "code": 1}
            except OSError as error:
                report = [f"{error.filename or self._config.state}: {error.strerror}"]
                answer = {"result": "failed", "report": report, "code": WRONG_CONFIG}
            await asyncio.to_thread(self._lists.remove_others)
        return {"snapshot": self._config.hash, **answer}

    async def _replace(self, name: str, who: str, *, accept: bool) -> Answer:
        event, what, note = SHIPPED, "", None
        if name:
            settings = self._config.compiled.settings
            signers = signers_of(settings, self._config.file)
            manifest, signer = await verified(self._lists.path(name), signers, time.time())
            refuse_older(self._lists, manifest)
            note = Note(signer, await asyncio.to_thread(release_hash))
            event = FROM_MEDIUM
            what = f": serial {manifest.serial}, {note.signed}"
        switch = Switch(
            event,
            partial(self._lists.switch, name, note),
            _accept_any,
            partial(self._lists.switch, self._lists.linked()),
            any_shipped=True,
        )
        accepted = [ALL_LISTS] if accept else []
        reload = await self._put_in_force(f"{who}{what}", switch, accepted)
        return {**reload.as_json(), "report": [*reload.report, f"lists{what or ' of the release'}"]}


async def _accept_any(_: Path, __: Path) -> None:
    """What expectations and losses let through needs no other check."""
