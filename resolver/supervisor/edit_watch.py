"""Watch whether the files on disk have an edit that nobody has reloaded.

The next start would put it in force. A look costs some stat(2) calls; only where a file or what is
in force has changed, a child process compares the two, at idle priority.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from resolver.compiler.child_compiler import edits_in_child
from resolver.compiler.compilation_result import NotCompiled
from resolver.metrics.part import Part
from resolver.metrics.part_states import EditState
from resolver.metrics.served_config import ServedConfig
from resolver.snapshot.config_files import SourceTexts
from resolver.system.file_version import file_version
from resolver.system.log import log

_LOOK: Final = 60.0
"""Seconds between two looks."""
_AGAIN: Final = 3600.0
"""Seconds until what could not be compared is compared again, if nothing has changed."""

_Versions = dict[Path, tuple[int, ...]]


class EditWatch(Part):
    """The watch over the files of the config, and over the agency's own lists."""

    waits_for_config = True

    def __init__(self, config: ServedConfig, sources: Callable[[], SourceTexts | None]) -> None:
        """``sources`` says what is in force; None where that is not known."""
        self._config = config
        self._sources = sources
        self._compared: tuple[SourceTexts, _Versions] | None = None
        self._failed: tuple[SourceTexts, _Versions] | None = None
        """What could not be compared last, and is compared no more before ``_again``."""
        self._again = 0.0
        self._state = EditState()

    def states(self) -> Iterable[object]:
        """An ``EditState``."""
        yield self._state

    def after_reload(self) -> None:
        """Forget the edit where other texts are in force: they may be those on disk."""
        sources, compared = self._sources(), self._compared
        if sources is not None and compared is not None:
            before = compared[0]
            if (sources.texts, sources.lists) == (before.texts, before.lists):
                return
        self._state = EditState()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            await self.look()

    async def look(self) -> None:
        """Compare the files with what is in force, if one of the two has changed."""
        sources = self._sources()
        if sources is None:
            return
        seen = sources, await asyncio.to_thread(_versions, self._config.file.parent, sources)
        if seen == self._compared or (seen, True) == (self._failed, time.monotonic() < self._again):
            return
        try:
            edits = await edits_in_child(self._config.file, sources)
        except NotCompiled as error:
            log.warning("whether an edit was not reloaded is not known: %s", error)
            self._failed, self._again = seen, time.monotonic() + _AGAIN
            self._state = EditState(is_unknown=True)
            return
        if self._sources() is not sources:  # another config was put in force meanwhile
            return
        self._compared = seen
        since = self._state.since or time.time()
        self._state = EditState(edits.files, since, edits.refused) if edits.files else EditState()


def _versions(folder: Path, sources: SourceTexts) -> _Versions:
    """What changes where a file is edited, added or removed."""
    files = {folder / name for name in (*sources.texts, *(sources.lists or {}))}
    return {path: file_version(path) for path in files | {file.parent for file in files}}
