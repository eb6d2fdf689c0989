"""``python -m resolver.fetch.validation``: whether a file may be used as a list.

A program of its own, so that neither the loop nor the memory of a process that stays has to
bear what reading a million names takes. It prints one JSON object, and loads little: it is
started for every list.
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
    """What was found."""

    entries: int
    """Blocking rules; 0 where the list is refused."""
    refused: str
    """Why the list is refused; empty where it is not."""


def main() -> None:
    """Judge the file that the command line names."""
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
    os._exit(0)  # nothing is left to tidy; a large heap takes long to take apart


if __name__ == "__main__":
    main()
