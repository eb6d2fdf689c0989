"""``darban run``: the server itself."""

import argparse
import asyncio
import sys
from pathlib import Path

from resolver.cli.place import config_path
from resolver.errors import DarbanError
from resolver.snapshot.candidate import Rejected
from resolver.supervisor.supervisor import serve


def start(arguments: list[str]) -> int:
    """Run the server until it is told to stop; its exit code."""
    parser = argparse.ArgumentParser(prog="darban run")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--last-good", action="store_true")
    given = parser.parse_args(arguments)
    path = config_path(given.config)
    try:
        asyncio.run(serve(path, last_good=given.last_good))
    except Rejected as error:
        sys.stderr.write(f"{path} is not put in force:\n{error}\n")
        return error.code
    except DarbanError as error:
        sys.stderr.write(f"darban: {error}\n")
        return 2
    return 0
