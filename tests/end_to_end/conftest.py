"""The real process, asked with real tools: every test here starts or shares a server."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fetch.source_server import Authority, Sources, serving
from tests.live.clients import Asker
from tests.live.commands import GOOD
from tests.live.configs import shipped, small
from tests.live.nsd import ZONE, nsd
from tests.live.policy_repository import PolicyRepository, policy_repository
from tests.live.ports import free_port
from tests.live.programs import PLAIN, find, needed
from tests.live.pulling import SharedPolicy, of_policy, pull
from tests.live.reloading import restored
from tests.live.server import DARBAN, Server, servers
from tests.live.subscribed import SUBSCRIBED
from tests.live.zone_server import zone_server

HERE = Path(__file__).parent
FIGURE = "figure"

Start = Callable[..., Server]
Make = Callable[[str], Server]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.end_to_end)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        getreport
        for kind in ("passed", "failed")
        for getreport in terminalreporter.getreports(kind)
    ]
    found = [text for report in reports for what, text in report.user_properties if what == FIGURE]
    if found:
        terminalreporter.section("end to end: figures")
        for text in dict.fromkeys(found):
            terminalreporter.write_line(str(text))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tells a figure in the summary of the run."""
    return lambda text: record_property(FIGURE, text)


@pytest.fixture(scope="session")
def nsd_program() -> Path:
    return needed("nsd")


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """NSD on loopback, or dnslib where it is not installed: its address, as a config has it."""
    port, program = free_port(), find("nsd")
    with nsd(program, tmp_path_factory.mktemp("nsd"), port) if program else zone_server(ZONE, port):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def shared(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the shipped config, for all tests that leave it as it is."""
    with servers(tmp_path_factory.mktemp("shared")) as make:
        server = make(shipped([upstream]))
        server.program = [DARBAN]  # all others run as python -m resolver
        yield server.start()
        assert server.stop().code == 0
        server.check_log()


@pytest.fixture
def quiet(shared: Server) -> Iterator[Server]:
    """The shared server, which must log no error while the test asks it."""
    yield shared
    shared.check_log()


@contextmanager
def _checked(directory: Path) -> Iterator[Make]:
    made: list[Server] = []
    with servers(directory) as make_one:

        def keep(text: str) -> Server:
            made.append(make_one(text))
            return made[-1]

        yield keep
    for server in made:
        server.check_log()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes servers of config texts; they log no error but those that the test expects."""
    with _checked(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def make_lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes servers that the tests of a file share: see ``Server.checked`` and ``restored``."""
    with _checked(tmp_path_factory.mktemp("lasting")) as make:
        yield make


@pytest.fixture(scope="module")
def lasting(make_lasting: Make, upstream: str) -> Server:
    """A server with a small config and two workers, for the tests of a file."""
    return make_lasting(small([upstream], server="workers = 2"))


@pytest.fixture
def server(lasting: Server) -> Iterator[Server]:
    """That server, which runs with its first config."""
    with restored(lasting) as server:
        yield server


@pytest.fixture
def make_shipped(make: Make, upstream: str) -> Callable[..., Server]:
    """Makes a server of the test's own with the shipped config; not yet started."""
    return lambda workers=0: make(shipped([upstream], workers=workers))


@pytest.fixture
def make_small(make: Make, upstream: str) -> Callable[..., Server]:
    """Makes a server of the test's own with a small config; not yet started."""

    def build(*upstreams: str, **more: str) -> Server:
        return make(small(upstreams or [upstream], **more))

    return build


@pytest.fixture(scope="module")
def list_server(made_authority: Authority) -> Iterator[Sources]:
    """A server of lists, in a thread of its own; see ``sources``."""
    loop = asyncio.new_event_loop()
    started: list[Sources] = []
    ready, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with serving(made_authority) as made:
            started.append(made)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield started[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)
    loop.close()


@pytest.fixture
def sources(
    list_server: Sources, made_authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Sources:
    """A server of lists, which has none yet; everything that the test starts trusts it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(made_authority.trusted))
    list_server.says.clear()
    list_server.asked.clear()
    return list_server


@pytest.fixture
def subscribed(make_small: Callable[..., Server], sources: Sources) -> Server:
    """Makes a server that fetches a list from ``sources``; not yet started."""
    server = make_small(more=SUBSCRIBED.replace("URL", sources.url("/ads")))
    server.expect_error("list ads: ")
    return server


@pytest.fixture
def repository(tmp_path: Path) -> PolicyRepository:
    """A policy repository with one signed commit."""
    return policy_repository(tmp_path)


@pytest.fixture
def unpulled(make: Make, upstream: str, repository: PolicyRepository) -> Server:
    """Makes a server of the repository's policy; not yet started, nothing pulled."""
    return of_policy(make, repository, upstream)


@pytest.fixture(scope="module")
def lasting_policy(
    make_lasting: Make, upstream: str, tmp_path_factory: pytest.TempPathFactory
) -> SharedPolicy:
    repository = policy_repository(tmp_path_factory.mktemp("policy"))
    server = of_policy(make_lasting, repository, upstream)
    done = pull(server)
    assert done.code == GOOD, done.out + done.err
    return SharedPolicy(server, repository)


@pytest.fixture
def pulling(lasting_policy: SharedPolicy) -> Iterator[SharedPolicy]:
    """A server that has a repository's policy in force; afterwards, it is the first one again."""
    lasting_policy.start()
    with restored(lasting_policy.server):
        yield lasting_policy
        lasting_policy.put_back()


@pytest.fixture(scope="session")
def nft_program() -> Path:
    return needed("nft")


@pytest.fixture(scope="session")
def dig_program() -> Path:
    return needed("dig")


@pytest.fixture(scope="session")
def kdig_program() -> Path:
    return needed("kdig")


@pytest.fixture(scope="session")
def chromium_program() -> Path:
    return needed("chromium")


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str, bytes], None]:
    """Keeps a picture in the directory that PICTURES names, else nowhere that lasts."""
    directory = Path(os.environ.get("PICTURES") or tmp_path)

    def keep(name: str, png: bytes) -> None:
        assert png.startswith(b"\x89PNG")
        (directory / f"{name}.png").write_bytes(png)

    return keep


@pytest.fixture
def dig(quiet: Server) -> Asker:
    """dig, or dnslib where dig is not installed, asking the shared server."""
    return Asker(find("dig"), quiet.port)


@pytest.fixture
def kdig(kdig_program: Path, quiet: Server) -> Asker:
    """kdig, asking the shared server."""
    return Asker(kdig_program, quiet.port)


@pytest.fixture(params=["dnslib"] if PLAIN else ["dig", "kdig"])
def either(request: pytest.FixtureRequest, quiet: Server) -> Asker:
    """Both programs, or dnslib where no program is looked for, asking the shared server."""
    return Asker(None if PLAIN else needed(request.param), quiet.port)
