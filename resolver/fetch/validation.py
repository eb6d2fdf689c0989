"""``python -m resolver.fetch.validation``: whether files may be used as lists.

It is a program of its own, since a million names would block the loop of the supervisor and
stay in its memory. It reads a ``ValidationRequest`` a line, as JSON, and prints a
``ValidationResult`` for each. ``fetch.update`` runs it.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from resolver.lists.acceptance import (
    change_to_hold,
    is_large_change,
    opened_names,
    read_untrusted,
)
from resolver.lists.rules import BlockList, HeldChange, count_blocking
from resolver.system.child_main import begin, end


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """A file to validate, and the copy in use, if the change from it is to be bounded."""

    file: str
    format: str
    used_entries: int = 0
    """How many names the copy in use blocks."""
    used_file: str = ""
    """The copy in use; empty where there is none, or any change is welcome."""
    used_format: str = ""


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
    """Validate the files that standard input names, until it ends."""
    begin()
    for line in sys.stdin:
        result = _validate(ValidationRequest(**json.loads(line)))
        sys.stdout.write(json.dumps(asdict(result)) + "\n")
        sys.stdout.flush()
    end()


def _validate(request: ValidationRequest) -> ValidationResult:
    read = read_untrusted(Path(request.file).read_bytes(), request.format, "", "")
    if isinstance(read, str):
        return ValidationResult(0, read)
    entries, held = count_blocking(read), None
    # The copy in use is read only where it matters: at worst, all that is opened is new.
    if request.used_file and is_large_change(
        request.used_entries, entries, len(opened_names(read))
    ):
        used = read_untrusted(Path(request.used_file).read_bytes(), request.used_format, "", "")
        held = change_to_hold(used, read) if isinstance(used, BlockList) else None
    return ValidationResult(entries, "", held)


if __name__ == "__main__":
    main()
