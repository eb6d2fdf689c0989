"""Copy a list that another program of this host keeps up to date, such as a transferred zone.

It is held to all that a download is: size, format, number of names, expectations. So a file that
is cut short or emptied leaves the last good copy in force.
"""

import hashlib
import urllib.parse
from pathlib import Path

from resolver.fetch.download import Download, FetchError
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.system.files import read_regular

SCHEME = "file:"


def copy(url: str, into: Path) -> Download:
    """Copy the file of a ``file:`` URL.

    Raises:
        FetchError: the file cannot be read, or is too large.
    """
    path = Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path))
    try:
        content = read_regular(path, MAX_LIST_BYTES)
    except OSError as error:
        raise FetchError(f"{path} cannot be read ({error.strerror})") from None
    into.write_bytes(content)
    return Download(hashlib.sha256(content).hexdigest(), "", "")
