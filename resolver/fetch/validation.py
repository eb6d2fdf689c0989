"""``python -m resolver.fetch.validation``: whether a file may be used as a list.

It is a program of its own, since a million names would block the loop of the supervisor and
stay in its memory. It prints one JSON object, and imports little: it is started for every list.

The command line has the file and its format; then, if a copy is in use, how many names that blocks,
its file and its format.
"""

import gc
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from resolver.lists.acceptance import change_of, is_large_change, read_untrusted
from resolver.lists.rules import BlockList, HeldChange, count_blocking


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The result of a validation."""

    entries: int
    """Blocking rules; 0 where the list is refused."""
    refused: str
    """Why the list is refused; empty where it is not."""
    held: HeldChange | None = None
    """The change from the copy in use, where it is to be held."""

    @classmethod
    def from_json(cls, text: bytes) -> "ValidationResult":
        """Read what the program prints.

        Raises:
            ValueError: it was ended before.
        """
        plain = json.loads(text)
        return cls(**{**plain, "held": HeldChange.from_json(plain["held"])})


def main() -> None:
    """Validate the file that the command line names."""
    gc.disable()
    file, kind, *copy = sys.argv[1:]
    json.dump(asdict(_validate(file, kind, copy)), sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # freeing a large heap takes long


def _validate(file: str, kind: str, copy: list[str]) -> ValidationResult:
    read = read_untrusted(Path(file).read_bytes(), kind, "", "")
    if isinstance(read, str):
        return ValidationResult(0, read)
    entries, held = count_blocking(read), None
    if copy:
        before, place, format_ = copy
        if is_large_change(int(before), entries):
            used = read_untrusted(Path(place).read_bytes(), format_, "", "")
            held = change_of(used, read) if isinstance(used, BlockList) else None
    return ValidationResult(entries, "", held)


if __name__ == "__main__":
    main()
