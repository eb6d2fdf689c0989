"""Validate the downloads of an update, one after the other, in one process.

The process starts with the first download. If it ends while it validates a download, that one is
refused, and the next one gets another process. To start a process takes longer than to validate a
list of a thousand names. No more than one download is in memory at a time.
"""

import asyncio
import json
from asyncio.subprocess import Process
from dataclasses import asdict

from resolver.fetch.download import FetchError
from resolver.fetch.validation import ValidationRequest, ValidationResult
from resolver.system import child_process


class ChildValidator:
    """The process that validates, once it is needed."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._process: Process | None = None
        """The process, while it waits for a request."""

    async def validate(self, request: ValidationRequest) -> ValidationResult:
        """Validate a file.

        Raises:
            FetchError: the file is refused.
        """
        async with self._one_at_a_time:
            process, self._process = self._process, None
            if process is None:
                process = await child_process.start("resolver.fetch.validation")
            line = json.dumps(asdict(request)).encode() + b"\n"
            printed = await child_process.ask(process, line)
            if not printed.endswith(b"\n"):
                _, code = await child_process.output(process)
                raise FetchError(f"refused: its validation ended with exit code {code}")
            self._process = process
        result = ValidationResult.from_json(printed)
        if result.refused:
            raise FetchError(f"refused: {result.refused}")
        return result

    async def end(self) -> None:
        """End the process."""
        if self._process is not None:
            await child_process.output(self._process)
