"""The command line: one file a command. Nothing here decides; it asks and prints."""

import sys


def main() -> None:
    """Run the command that the command line names."""
    # The server's own process must stay small, so its command is told apart before the
    # libraries that the others print with are imported.
    if sys.argv[1:2] == ["run"] and not {"--help", "-h"} & set(sys.argv):
        from resolver.cli.run import start

        sys.exit(start(sys.argv[2:]))
    from resolver.cli.app import app

    app()
