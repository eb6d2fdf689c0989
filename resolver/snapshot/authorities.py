"""The agency's own certificate authorities, which fetches of lists trust besides the system's."""

import ssl
from pathlib import Path

from resolver.files import read_regular

_LONGEST = 16 << 20


def trust(context: ssl.SSLContext, file: Path) -> None:
    """Trust the certificates of a file in PEM form; OSError, and SSLError where it has none."""
    text = read_regular(file, _LONGEST).decode("ascii", "ignore")  # a comment may be in any script
    context.load_verify_locations(cadata=f"\n{text}")
