"""The command line: one file a command. Commands decide nothing; they ask and print."""

import sys


def main() -> None:
    """Run the command that the command line names."""
    # The server's own process must stay small, so it does not import what other commands
    # print with.
    if sys.argv[1:2] == ["run"] and not {"--help", "-h"} & set(sys.argv):
        from resolver.cli.run import start

        sys.exit(start(sys.argv[2:]))
    from resolver.cli.app import app

    app()
