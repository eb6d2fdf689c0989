"""``darban run``: the server itself.

The last good snapshot may lack settings of the config that need a restart. Then this process begins
again, with the snapshot of the config (``--snapshot``).
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from resolver import DarbanError
from resolver.cli.default_config import default_config
from resolver.cli.progress import progress
from resolver.compiler.compilation_result import Rejected
from resolver.snapshot import store
from resolver.snapshot.state_owner import refuse_root
from resolver.supervisor.supervisor import serve
from resolver.system.log import say


def start(arguments: list[str]) -> int:
    """Run the server until a signal ends it; its exit code."""
    parser = argparse.ArgumentParser(prog="darban run")
    parser.add_argument("--config", type=Path, default=default_config())
    parser.add_argument("--last-good", action="store_true")
    parser.add_argument("--snapshot", default="", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    path = given.config
    try:
        refuse_root(store.directory(path))
        saved = asyncio.run(
            serve(path, last_good=given.last_good, saved=given.snapshot, showing=progress)
        )
    except DarbanError as error:
        rejected = isinstance(error, Rejected)
        beginning = f"{path} is not put in force:\n" if rejected else "darban: "
        say(sys.stderr, f"{beginning}{error}")
        return error.code
    if saved:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], "--snapshot", saved])
    return 0
