"""A host that runs out: of descriptors, of disk; and a clock that jumps."""

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import ADMINISTRATION, PUBLICITY, Shot, Stream, ask, volley
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest, upstream
from tests.programs.attacks.real_server import BLOCKED, Darban, behind, darban

_DESCRIPTORS = 64
_ACCEPT = r"accept|Errno 24|Traceback|out of system resource"
"""asyncio logs that it cannot accept, and tries again a second later."""


def _few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))


def descriptors() -> Seen:
    """64 descriptors, and more TCP connections than that: UDP still serves."""
    with ExitStack() as stack:
        asked = stack.enter_context(upstream(honest))
        server = stack.enter_context(
            darban([asked.where], expected=_ACCEPT, prepare=_few_descriptors)
        )
        assert ask(server.port, wire.question("known.example"))
        for n in range(2 * _DESCRIPTORS):
            stack.enter_context(Stream(server.port, f"127.0.20.{n % 5 + 1}"))
        time.sleep(0.3)
        held = server.descriptors()
        shots = [Shot(n / 50, wire.question("known.example")) for n in range(20)]
        shots += [Shot(n / 50, wire.question(BLOCKED), ADMINISTRATION) for n in range(20)]
        shots += [Shot(n / 50, wire.question(f"new{n}.example")) for n in range(20)]
        replies = volley(server.port, shots, 3)
        told = [wire.read(each.packet).addresses if each else [] for each in replies]
        known, blocked = told[:20].count([TRUE]), told[20:40].count(["0.0.0.0"])
        fresh = told[40:].count([TRUE])
    text = f"{held} of {_DESCRIPTORS} held: {known} of 20 known, {blocked} of 20 blocked, "
    text += f"{fresh} of 20 new names answered"
    return Seen(known == blocked == fresh == 20, text)


def outgoing_descriptors() -> Seen:
    """64 descriptors and 500 names on their way: some may fail, the server must not."""

    def slow(asked: Asked) -> Iterator[Say]:
        yield from honest(asked, after=0.4)

    with ExitStack() as stack:
        asked = stack.enter_context(upstream(slow))
        server = stack.enter_context(darban([asked.where], prepare=_few_descriptors))
        shots = [Shot(n / 2000, wire.question(f"o{n}.example{n}")) for n in range(500)]
        replies = volley(server.port, shots, 4)
        time.sleep(1.2)
        after = ask(server.port, wire.question("after.example"))
    told = [wire.read(each.packet) for each in replies if each]
    answered = sum(each.addresses == [TRUE] for each in told)
    text = f"{answered} of 500 answered, {len(told) - answered} SERVFAIL, "
    served = after is not None and after.addresses == [TRUE]
    text += f"{500 - len(told)} untold; afterwards {'served' if served else f'NOT: {after}'}"
    return Seen(len(told) == 500 and served, text)


@contextmanager
def _small_disk(place: Path) -> Iterator[bool]:
    """A file system of one MiB; False where none can be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    mounted = os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=False)


def _fill(place: Path) -> None:
    with (place / "ballast").open("wb", buffering=0) as ballast:
        for size in (65536, 4096, 512):
            try:
                while ballast.write(b"x" * size):
                    pass
            except OSError:
                continue


def disk() -> Seen:
    """The disk of the state directory is full: resolving goes on, a start says what is wrong."""
    with tempfile.TemporaryDirectory(prefix="darban-disk-") as directory:
        place = Path(directory)
        with _small_disk(place) as mounted, upstream(honest) as asked:
            if not mounted:
                return Seen(True, "not tried: only root can mount a small file system")
            return _full(place, asked.where)


def _full(place: Path, where: str) -> Seen:
    with tempfile.TemporaryDirectory(prefix="darban-attack-") as directory, ExitStack() as stack:
        server = Darban(Path(directory), [where])
        stack.callback(server.stop)
        server.state = place / "state"
        server.start()
        _fill(place)
        goes_on = all(
            ask(server.port, wire.question(f"full{n}.example"), seconds=2) for n in range(20)
        )
        complaints = server.complaints()
        server.stop()
        # Another policy, so that another snapshot has to be written.
        server = Darban(Path(directory), [where], '[policies.more]\ndeny = ["more.example"]\n')
        stack.callback(server.stop)
        server.state = place / "state"
        server.launch()
        try:
            code = server.ended()
        except subprocess.TimeoutExpired:
            code = None
        said = server.said
    clear = code not in (0, None) and "No space left" in said and "Traceback" not in said
    text = f"resolving {'goes on' if goes_on and not complaints else 'has STOPPED'}; a start "
    text += f"with a new policy ends with {code}, {'saying why' if clear else 'NOT saying why'}"
    return Seen(goes_on and not complaints and clear, text)


def frozen_worker() -> Seen:
    """The worker's memory of time: TTLs count down by a clock that nobody can set."""
    with behind(honest) as (server, _):
        first = ask(server.port, wire.question("ttl.example"), PUBLICITY)
        time.sleep(1.2)
        second = ask(server.port, wire.question("ttl.example"), PUBLICITY)
    ttls = [reply.answer[0].ttl if reply and reply.answer else -1 for reply in (first, second)]
    return Seen(ttls[0] == 300 and ttls[1] in (298, 299), f"TTL {ttls[0]}, then {ttls[1]}")


ATTACKS = (
    Attack("descriptors", "20 of 20 known, blocked and new names answered", descriptors),
    Attack("descriptors-out", "500 told, afterwards served", outgoing_descriptors),
    Attack("disk", "resolving goes on; a start says why it cannot", disk),
    Attack("ttl", "TTL 300, then a second less", frozen_worker),
)
