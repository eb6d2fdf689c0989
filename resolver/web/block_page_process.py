"""The process that serves the block page: ``python -m resolver.web.block_page_process``.

Each message on the control socket is the directory of a snapshot. It is loaded, and one octet is
the answer. The process ends when the supervisor closes the socket or ends.

What must stay true: the process takes at most 36 MB of memory. So it loads no aiohttp.
"""

import json
import signal
import socket
import sys
import time
from pathlib import Path

_LONGEST = 65536


def main() -> None:
    """Serve on the sockets that the command line names."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it means the supervisor
    from resolver import DarbanError
    from resolver.analysis.explanation import Explainer
    from resolver.snapshot import store
    from resolver.web.block_page import response_to
    from resolver.web.page_server import PageServer, Request

    given = json.loads(sys.argv[1])
    control = socket.socket(fileno=given["control"])
    in_force: list[Explainer] = []

    def load() -> bool:
        """Load the snapshot of the next message; False where there is no more."""
        try:
            path = control.recv(_LONGEST).decode()
            if not path:
                return False
            compiled, index = store.load(Path(path))
            in_force[:] = [Explainer(compiled, index, time.time())]
            control.send(b".")
        except ConnectionError:  # the server has ended meanwhile
            return False
        except DarbanError as error:
            raise SystemExit(f"the block page: {error}") from None
        return True

    def answer(request: Request) -> bytes:
        in_force[0].advance(time.time())
        return response_to(in_force[0], request)

    def follow() -> None:
        if not load():
            server.stop()

    server = PageServer(
        [socket.socket(fileno=descriptor) for descriptor in given["listening"]], answer
    )
    server.attend(control, follow)
    if load():
        server.run()


if __name__ == "__main__":
    main()
