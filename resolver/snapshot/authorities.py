"""The agency's own certificate authorities, which are trusted besides the system's.

Fetches of lists trust them, and the connections to upstream servers over TLS.
"""

import ssl
from pathlib import Path

from resolver.system.regular_files import read_regular

_LONGEST = 16 << 20


def trust(context: ssl.SSLContext, file: Path) -> None:
    """Trust the certificates of a file in PEM form; OSError, and SSLError where it has none."""
    context.load_verify_locations(cadata=read_certificates(file))


def read_certificates(file: Path) -> str:
    """The text of a file in PEM form, as ``load_verify_locations`` takes it; OSError."""
    # A comment may be in any script.
    return "\n" + read_regular(file, _LONGEST).decode("ascii", "ignore")
