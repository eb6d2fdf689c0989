"""The agency's logo, at the head of a report and of the block page."""

import base64
from pathlib import Path
from typing import Final

from resolver import DarbanError
from resolver.snapshot.config_files import read_file

_PNG: Final = b"\x89PNG\r\n\x1a\n"


class UnfitLogo(DarbanError):
    """A file that cannot be a logo; the message says why."""


def logo_uri(config: Path, logo: str, longest: int) -> str:
    """A file as a data URI; as the source of an ``img``, an SVG runs no script and loads nothing.

    ``logo`` is relative to the folder of the config; the file has ``longest`` octets at most.

    Raises:
        UnfitLogo: the file cannot be read, or is neither SVG nor PNG.
    """
    try:
        content = read_file(config, config.parent / logo, longest)
    except OSError as error:
        raise UnfitLogo(f"cannot be read ({error.strerror})") from None
    if content.startswith(_PNG):
        kind = "image/png"
    elif b"<svg" in content[:4096]:
        kind = "image/svg+xml"
    else:
        raise UnfitLogo("is neither an SVG nor a PNG file")
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
