"""``darban run``: the server itself."""

import argparse
import asyncio
import sys
from pathlib import Path

from resolver.cli.default_config import default_config
from resolver.errors import DarbanError
from resolver.metrics.log import say
from resolver.snapshot import store
from resolver.snapshot.candidate import Rejected
from resolver.snapshot.state_owner import refuse_root
from resolver.supervisor.supervisor import serve


def start(arguments: list[str]) -> int:
    """Run the server until a signal ends it; its exit code."""
    parser = argparse.ArgumentParser(prog="darban run")
    parser.add_argument("--config", type=Path, default=default_config())
    parser.add_argument("--last-good", action="store_true")
    given = parser.parse_args(arguments)
    path = given.config
    try:
        refuse_root(store.directory(path))
        asyncio.run(serve(path, last_good=given.last_good))
    except DarbanError as error:
        rejected = isinstance(error, Rejected)
        beginning = f"{path} is not put in force:\n" if rejected else "darban: "
        say(sys.stderr, f"{beginning}{error}")
        return error.code
    return 0
