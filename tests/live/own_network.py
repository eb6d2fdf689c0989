"""A network namespace for a worker of the tests, in which nothing but loopback is up.

`unshare` starts the worker in it. A user other than root needs a user namespace as well, in which
the worker is this same user, with rights over that network alone. It gives them up once loopback is
up: a test of a file that may not be read would read it with them.
"""

import ctypes
import fcntl
import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from functools import cache

import execnet

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_CAPABILITIES = struct.pack("=Ii", 0x20080522, 0)
"""The head of capset(2): version 3, this thread."""


@cache
def unsharing() -> Sequence[str]:
    """The command that starts another one in such a namespace; empty where none can be made."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    as_user = ["--map-current-user", "--keep-caps"] if os.geteuid() else []
    command = [unshare, *as_user, "--net"]
    tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    return [] if tried.returncode else command


def in_network(spec: execnet.XSpec) -> execnet.XSpec:
    """A worker that starts in such a namespace."""
    return execnet.XSpec(f"{spec}//python={shlex.join([*unsharing(), sys.executable])}")


def enter() -> None:
    """Set loopback up, and keep no right that the user of the tests has not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    if os.geteuid():
        none = struct.pack("=6I", *[0] * 6)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.capset(_CAPABILITIES, none) == 0, os.strerror(ctypes.get_errno())
