"""``python -m tests.programs.networks.upstreams ROW``: the scripted upstreams of a row.

They serve until their input ends.
"""

import sys
from contextlib import ExitStack

from tests.programs.attacks.fake_upstream import upstream
from tests.programs.networks.network import ADDRESSES, PORT
from tests.programs.networks.rows import ROWS, scripts


def main() -> None:
    """Serve."""
    with ExitStack() as stack:
        for script, address in zip(scripts(ROWS[sys.argv[1]]), ADDRESSES, strict=False):
            stack.enter_context(upstream(script, at=(address, PORT)))
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
