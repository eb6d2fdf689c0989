"""The commands, a file each, and what several of them share."""

import atexit
import gc
import os
import sys


def main() -> None:
    """Run the command that the command line names."""
    # Modules live as long as the process. To search them for garbage takes a quarter of a command.
    gc.disable()
    # The server's own process must stay small, so it does not import what other commands
    # print with.
    if sys.argv[1:2] == ["run"] and not {"--help", "-h"} & set(sys.argv):
        from resolver.cli.run import start

        gc.freeze()
        gc.enable()
        sys.exit(start(sys.argv[2:]))
    from resolver.cli.app import app

    gc.enable()
    atexit.register(gc.freeze)
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:  # it was closed
                sys.stdout.flush()
    except OSError as error:
        if error.filename is not None:  # that of a file
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter tries it once more
        if isinstance(error, BrokenPipeError):  # nobody reads on
            sys.exit(1)
        sys.stderr.write(f"the output cannot be written ({error.strerror})\n")
        sys.exit(2)
