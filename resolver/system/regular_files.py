"""Read a regular file, and no more than a bound."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a named pipe"}


def read_regular(path: Path, longest: int, *, follow_link: bool = True) -> bytes:
    """The content of a regular file of at most ``longest`` octets; OSError for anything else.

    Without ``follow_link``, ``path`` must not be a link itself. To open or read a named pipe would
    wait for a writer for ever. A pipe of the shell, as behind /dev/stdin or for ``<(command)``, has
    no name and has a writer.
    """
    with open_regular(path, follow_link=follow_link) as file:
        content = file.read(longest + 1)
    if len(content) > longest:
        most = f"{longest >> 20} MiB" if longest >= 1 << 20 else f"{longest >> 10} KiB"
        raise OSError(errno.EFBIG, f"more than {most}", str(path))
    return content


def open_regular(path: Path, *, follow_link: bool = True) -> BinaryIO:
    """Open what ``read_regular`` reads; OSError for anything else."""
    try:
        return open_regular_in(path, 0 if follow_link else os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ELOOP and not follow_link:
            error.strerror = "it is a link"
        raise


def open_regular_in(path: str | Path, flags: int, parent: int | None = None) -> BinaryIO:
    """Open a regular file, or a pipe without a name; OSError for anything else."""
    flags |= os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    handle = os.open(path, flags, dir_fd=parent)
    try:
        mode = os.fstat(handle).st_mode
        if not (stat.S_ISREG(mode) or (stat.S_ISFIFO(mode) and _is_nameless(handle))):
            why = _KINDS.get(stat.S_IFMT(mode), "no regular file")
            raise OSError(errno.EINVAL, why, str(path))
        os.set_blocking(handle, True)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _is_nameless(pipe: int) -> bool:
    try:
        return str(Path(f"/proc/self/fd/{pipe}").readlink()).startswith("pipe:")
    except FileNotFoundError:  # without /proc, /dev/stdin leads nowhere
        return False
