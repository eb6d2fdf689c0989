"""``python -m resolver.fetch.validation``: whether a file may be used as a list.

It is a program of its own, since a million names would block the loop of the supervisor and
stay in its memory. It prints one JSON object, and imports little: it is started for every list.
"""

import gc
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

from resolver.lists.acceptance import read_untrusted
from resolver.lists.rules import count_blocking


class ValidationResult(NamedTuple):
    """The result of a validation."""

    entries: int
    """Blocking rules; 0 where the list is refused."""
    refused: str
    """Why the list is refused; empty where it is not."""


def main() -> None:
    """Validate the file that the command line names."""
    gc.disable()
    file, kind, before = sys.argv[1:4]
    read = read_untrusted(Path(file).read_bytes(), kind, "", "", int(before))
    found = (
        ValidationResult(0, read)
        if isinstance(read, str)
        else ValidationResult(count_blocking(read), "")
    )
    json.dump(found._asdict(), sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # freeing a large heap takes long


if __name__ == "__main__":
    main()
