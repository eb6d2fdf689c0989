"""``python -m tests.programs.networks.upstreams ROW CERTIFICATE KEY``: the upstreams of a row.

They are scripted, and serve until their input ends.
"""

import ssl
import sys
from contextlib import ExitStack

from tests.programs.attacks.fake_upstream import upstream
from tests.programs.networks.network import ADDRESSES, PORT
from tests.programs.networks.rows import ROWS, scripts


def main() -> None:
    """Serve."""
    row, certificate, key = sys.argv[1:]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with ExitStack() as stack:
        for script, address in zip(scripts(ROWS[row]), ADDRESSES, strict=False):
            stack.enter_context(upstream(script, at=(address, PORT), tls=tls))
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
