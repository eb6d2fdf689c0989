"""The wheel's extension modules; all else about the wheel is in pyproject.toml.

With DARBAN_COMPILE=1 the modules below are compiled by mypyc, ahead of time. Without it the wheel
is pure, and the same source runs interpreted.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path("resolver")

PACKAGES = {
    "dns": "every packet is scanned and rendered here",
    "policy": "every query is judged here",
    "exchange": "every query to an upstream is decided here",
    "engine": "every query goes through it",
}
"""Compiled whole, but for ``INTERPRETED``."""

INTERPRETED = {
    "dns/local_record.py": "has a dataclass that is read and written by its type hints",
    "dns/presentation.py": "calls dnslib, which has no types; no query passes through it",
    "policy/building.py": "runs in a thread, beside a loop that has to go on",
    "policy/clauses.py": "dataclasses that are read and written by their type hints",
    "policy/codec.py": "reads type hints at run time, once a snapshot",
    "policy/compiled.py": "dataclasses that are read and written by their type hints",
    "policy/description.py": "dataclasses for people; no query passes through it",
    "policy/exemption_details.py": "likewise",
    "policy/expectation.py": "a dataclass that is read and written by its type hints",
    "policy/prefix.py": "a named tuple that is read and written by its type hints",
    "policy/settings.py": "dataclasses that are read and written by their type hints",
    "policy/upstream_groups.py": "likewise",
    "policy/service_hours.py": "for people; no query passes through it",
    "policy/few_addresses.py": "for figures, reports and a warning; no query passes through it",
    "policy/features.py": "for commands and the zone writer; no query passes through it",
    "policy/rule_names.py": "for proofs and the zone writer; no query passes through it",
    "policy/facets.py": "read where policies are compared; no query passes through it",
    "policy/projection.py": "reads the fields of these dataclasses at run time",
    "policy/policy_hash.py": "reads the fields of these dataclasses at run time, once a snapshot",
}

MODULES = {
    "transport/loop.py": "runs every callback",
    "transport/datagrams.py": "calls the kernel for every batch",
    "server/udp.py": "receives and sends every datagram",
    "server/proxy.py": "looks at every datagram that a server in front sends",
    "transport/stream.py": "receives and sends every message over TCP",
    "transport/tls_session.py": "decrypts and encrypts every message over TLS",
    "transport/handshakes.py": "lets every handshake of TLS take its turn",
    "server/tcp.py": "serves every query over TCP",
    "server/connection_shares.py": "counts every connection over TCP",
    "server/send_backlog.py": "counts the replies that wait for their clients",
    "server/handler.py": "takes every query to the engine and its reply back",
    "upstream/forwarder.py": "takes what the cache lacks to an upstream",
    "upstream/attempt_sender.py": "sends every attempt, and takes what comes back to its exchange",
    "upstream/udp_sockets.py": "sends and receives every datagram of an upstream",
    "upstream/tcp_connections.py": "sends and receives every message of an upstream over TCP",
    "server/block_records.py": "writes a line for every blocked query, where that is wanted",
    "server/observers.py": "takes every blocked query to the block log",
    "metrics/counters.py": "counts every query",
    "metrics/unknown_clients.py": "counts every query of a client in no VLAN",
}
"""Compiled one by one. ``transport/mmsg.py`` is not here: for ``ctypes``, mypyc emits C that does
not compile."""


def compiled_modules() -> list[str]:
    """The files to compile; a name above that no file has is an error."""
    for name in (*(f"{package}/__init__.py" for package in PACKAGES), *INTERPRETED, *MODULES):
        if not (ROOT / name).is_file():
            raise SystemExit(f"setup.py names {ROOT / name}, which is not there: correct setup.py")
    without = {"__init__.py", *INTERPRETED}
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    chosen = [path for path in files if not {path.name, str(path.relative_to(ROOT))} & without]
    return [*map(str, chosen), *(str(ROOT / name) for name in MODULES)]


def extensions() -> list[Extension]:
    """One shared library with all compiled modules, and a small one for each of them.

    pip runs this file three times, and builds only the third time: mypyc need not run before.
    """
    if os.environ.get("DARBAN_COMPILE") != "1" or {"egg_info", "dist_info"} & set(sys.argv):
        return []
    from mypyc.build import mypycify

    # With one C file a module, compiling takes 30 s and the largest process 264 MB; with one file
    # for all, 37 s and 469 MB. -O3 takes longer. All three need as many instructions a query.
    # The settings of pyproject.toml are those of the lint, whose plugin is not in the wheel.
    return mypycify(
        ["--config-file=", "--ignore-missing-imports", *compiled_modules()],
        opt_level="2",
        debug_level="0",
        multi_file=True,
        group_name="darban",
    )


if __name__ == "__main__":
    setup(ext_modules=extensions())
