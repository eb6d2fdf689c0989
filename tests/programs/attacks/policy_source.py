"""Who controls the git repository of the policy, has no key of its signers, and sends bombs."""

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from random import Random

from tests.live import pack_bombs
from tests.live.policy_repository import policy_repository
from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import ask
from tests.programs.attacks.fake_upstream import honest, upstream
from tests.programs.attacks.real_server import Darban

_CLIENT, _BLOCKED = "127.0.40.5", "pager.example"
_POLICY = """
[lists]
directories = ["blocklists"]
[policies.signed]
block = ["@messenger"]
[vlans.signed]
prefixes = ["127.0.40.0/24"]
policy = "signed"
"""
_SOURCE = """
[policy_source]
repository = "{bundle}"
allowed_signers = "{allowed}"
"""
_REFUSED = r"supervisor: policy of "
_MIB = 1 << 20
_MEMORY, _DISK = 300, 1
"""MiB that a pull may take with all its processes, and leave."""


class _Site:
    """A server that pulls what the attacker gives it, in the place of the repository."""

    def __init__(self, place: Path, where: str) -> None:
        self.repository = policy_repository(place)
        self.repository.write("config.toml", _POLICY)
        self.repository.commit()
        self.bundle = place / "policy.bundle"
        self.give()
        source = _SOURCE.format(bundle=self.bundle, allowed=self.repository.allowed)
        self.server = Darban(place, [where], source)
        self.server.expect_error(_REFUSED)

    def give(self) -> None:
        """Give the branch as it is."""
        self.repository.git("bundle", "create", "--quiet", self.bundle, "stable")

    def pull(self) -> tuple[bool, float, float]:
        """Pull; whether it was refused, the MiB that git took, and the MiB that are left of it."""
        before = _size(self.server.state)
        with _peak(partial(self.server.memory_of, "git")) as most:
            done = self.server.command("pull")
        return done.code != 0, most[0], (_size(self.server.state) - before) / _MIB

    def blocks(self) -> bool:
        """Whether the policy of the signers is in force."""
        reply = ask(self.server.port, wire.question(_BLOCKED), _CLIENT)
        return reply is not None and reply.addresses == ["0.0.0.0"]


def _size(place: Path) -> int:
    size = 0
    for folder, _, files in os.walk(place):
        for file in files:
            with contextlib.suppress(FileNotFoundError):  # git removes some meanwhile
                size += Path(folder, file).lstat().st_size
    return size


@contextmanager
def _peak(measure: Callable[[], float]) -> Iterator[list[float]]:
    """The most that is measured while the body runs."""
    most, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            most[0] = max(most[0], measure())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        over.set()
        watching.join()


@contextmanager
def _site() -> Iterator[_Site]:
    """A site with a signed policy in force."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="darban-attack-")))
        site = _Site(place, stack.enter_context(upstream(honest)).where)
        pulled = site.server.command("pull")
        assert pulled.code == 0, pulled.out + pulled.err
        stack.callback(site.server.kill_what_is_left)
        site.server.start()
        assert site.blocks()
        yield site
        site.server.check()


def _bombs(site: _Site) -> Iterator[str]:
    """Give one bundle after the other; what it is."""
    pack_bombs.deltas(site.bundle, 1000)
    yield "1 GiB in 1 KB"
    pack_bombs.deltas(site.bundle, 200)
    yield "200 MiB in 1 KB"
    pack_bombs.message(site.bundle, 1000)
    yield "1 GiB in 1 MB"
    signed = site.repository.head()
    for size in (58, 300):
        chance = Random(size)
        with (site.repository.path / "ballast").open("wb") as ballast:
            ballast.writelines(chance.randbytes(_MIB) for _ in range(size))
        site.repository.commit("")
        site.give()
        site.repository.git("reset", "--quiet", "--hard", signed)
        yield f"{size} MB unsigned"


def bombs() -> Seen:
    """Bundles that unpack to gigabytes, and large ones that are refused or cannot be taken."""
    seen, good, most = [], True, 0.0
    with _site() as site:
        for what in _bombs(site):
            refused, memory, disk = site.pull()
            seen.append(f"{what}: {memory:.0f} MiB of memory, {disk:.0f} MiB left")
            good &= refused and memory <= _MEMORY and disk <= _DISK and site.blocks()
            most = max(most, memory)
    return Seen(good and most > _MEMORY / 2, "; ".join(seen))  # one of them stays below the limit


ATTACKS = (
    Attack(
        "policy-bombs",
        f"at most {_MEMORY} MiB of memory for git, and {_DISK} MiB left, the policy in force",
        bombs,
        quick=False,
    ),
)
