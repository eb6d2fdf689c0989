"""How the tests run: side by side in networks of their own, with what the machine has.

`pytest -n auto` runs three workers a core, since many tests wait. Each has a network
namespace of its own, with nothing but loopback, so that tests do not meet on ports; where
namespaces cannot be made, each has a part of the ports (``tests.live.ports``). The tests of a
file run on one worker, in their order, since they share servers. Those that put a load on the
machine run one after the other. What takes longest comes first.

Tests that start a process are marked ``processes``; the others may not start one. Left out are
tests of data that is no part of the repository, where it is not there, and those marked
``compiled`` or ``interpreted`` where the package is the other. With a compiled package, so are
tests that start no process of packages of which nothing is compiled: they run interpreted.

Those marked ``core`` start the real process, and need nothing but Python: `make test` runs them.
Of rows that take long and whose code path another test has, one is kept. The others are marked
``release``, with the test that is kept, and run where ``-m`` names the mark: `make test-release`.

A test that is skipped prints no letter; the reasons are printed at the end, a line each.

The files of the tests are in a directory whose path is short, whatever the user's name: the path of
a UNIX socket has 107 octets. It stays where a test has failed.
"""

import gc
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from tempfile import mkdtemp

import execnet
import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from resolver import build
from tests.fetch.source_server import Authority, authority
from tests.live import own_network
from tests.live.installed import Installation, pure_installation
from tests.live.ports import has_ipv6
from tests.live.programs import FONT, FONT_PACKAGE, IN_CI, has_font, lacking, needed

_SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
LOAD = ("tests/end_to_end/install/test_install.py", "tests/end_to_end/reload/test_reloads.py")
"""Load tests, which run one after the other; the first boots a machine with systemd."""
LONG = (
    "tests/end_to_end/watching/test_hundred_sites.py",
    "tests/end_to_end/watching/test_figures.py",
    "tests/end_to_end/other_resolvers/test_engines_without_zones.py",
    "tests/end_to_end/other_resolvers/test_publish.py",
    "tests/end_to_end/other_resolvers/test_zone_units.py",
    "tests/end_to_end/policy/test_hours.py",
    "tests/end_to_end/upstreams/test_link_cut.py",
    "tests/program_tests/test_parity.py",
)
"""They wait for a minute or more in all: begun last, they would run alone at the end."""
_TESTS = Path(__file__).parent
COMPILED = {
    *("dns", "engine", "exchange", "metrics", "policy", "scenarios", "server"),
    *("transport", "upstream"),
}
"""The folders of tests of packages that have compiled modules (setup.py)."""
_OF_THE_OTHER_BUILD = "compiled" if build() == "interpreted" else "interpreted"
"""The mark of tests that make no sense with the package as it is here."""
_SHARED_PLACE = pytest.StashKey[Path]()
_KEPT_BY_NOBODY = pytest.StashKey[list[str]]()
_STARTS_PROCESS = ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec")

_started_freely = True
"""Whether the test that runs now may start a process."""

settings.register_profile(  # the machine may be busy
    "darban",
    max_examples=100 if IN_CI else 50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("release", settings.get_profile("darban"), max_examples=500)
settings.load_profile("darban")


def pytest_xdist_auto_num_workers() -> int:
    """The workers of ``-n auto``."""
    return 3 * len(os.sched_getaffinity(0))


class _ByFile(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives a worker one file after the other."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "load" if file in LOAD else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return _ByFile(config, log)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # one of several workers
        if config.workerinput["own_network"]:
            own_network.enter()
        config.stash[_SHARED_PLACE] = Path(config.workerinput["shared_place"])
    else:
        place = config.stash[_SHARED_PLACE] = Path(mkdtemp(prefix="darban-"))
        config.option.basetemp = config.option.basetemp or str(place / "files")
    sys.addaudithook(_refuse_processes)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[execnet.XSpec]) -> None:
    if own_network.unsharing():
        specs[:] = [own_network.in_network(spec) for spec in specs]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput["own_network"] = bool(own_network.unsharing())
    node.workerinput["shared_place"] = str(node.config.stash[_SHARED_PLACE])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not hasattr(session.config, "workerinput"):
        place = session.config.stash[_SHARED_PLACE]
        for path in place.iterdir() if exitstatus else [place]:
            if path != place / "files":
                shutil.rmtree(path, ignore_errors=True)


def _refuse_processes(event: str, _: object) -> None:
    if event in _STARTS_PROCESS and not _started_freely:
        raise AssertionError("this test starts a process: mark it with pytest.mark.processes")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("end_to_end"):
            item.add_marker(pytest.mark.processes)
    config.stash[_KEPT_BY_NOBODY] = _kept_by_nobody(items)
    left_out = [item for item in items if _is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    items.sort(key=_rank)


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end: no search for cycles goes through them."""
    gc.collect()
    gc.freeze()


def _kept_by_nobody(items: list[pytest.Item]) -> list[str]:
    """The rows of a release that name no test, or one whose rows are all left to a release."""
    always = [item.nodeid for item in items if not item.get_closest_marker("release")]
    kept = {nodeid.partition("[")[0] for nodeid in always}
    files = {nodeid.partition("::")[0] for nodeid in always}
    marked = [(item.nodeid, item.get_closest_marker("release")) for item in items]
    names = [(nodeid, mark.args[0]) for nodeid, mark in marked if mark]
    return [n for n, other in names if other not in kept and other.partition("::")[0] in files]


def _is_left_out(item: pytest.Item) -> bool:
    if item.get_closest_marker("release") and "release" not in item.config.option.markexpr:
        return True
    if item.get_closest_marker("shared_data") and not _SHARED_DATA.is_dir():
        return True
    if item.get_closest_marker(_OF_THE_OTHER_BUILD):
        return True
    ran_interpreted = build() != "interpreted" and not item.get_closest_marker("processes")
    marked = item.get_closest_marker("compiled") is not None
    folder = item.path.relative_to(_TESTS).parts[0]
    return ran_interpreted and not marked and folder not in COMPILED


def _rank(item: pytest.Item) -> int:
    """The place in the order: what takes longest comes first."""
    file = item.nodeid.partition("::")[0]
    if file in (*LOAD, *LONG):
        return 0 if file in LOAD else 1
    marks = ("end_to_end", "processes")
    return next((n for n, mark in enumerate(marks, 2) if item.get_closest_marker(mark)), 4)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    global _started_freely
    _started_freely = item.get_closest_marker("processes") is not None
    try:
        return (yield)
    finally:
        _started_freely = True


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("ipv6") and not has_ipv6():
        lacking("needs IPv6 on loopback")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped in continuous integration has failed."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped here: {report.longrepr}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    return ("skipped", "", "SKIPPED") if report.skipped else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = Counter(str(report.longrepr[2]) for report in terminalreporter.getreports("skipped"))
    if skipped:
        terminalreporter.section("skipped")
    for reason, count in skipped.most_common():
        terminalreporter.write_line(f"{count:5} {reason.removeprefix('Skipped: ')}")


@pytest.fixture(scope="session")
def kept_by_nobody(pytestconfig: pytest.Config) -> list[str]:
    """The rows that are left to a release, and whose code path no other test has."""
    return pytestconfig.stash[_KEPT_BY_NOBODY]


@pytest.fixture(scope="session")
def persian_font() -> None:
    """The font of the pictures."""
    if not has_font():
        lacking(f"needs the font {FONT}: apt install {FONT_PACKAGE}")


@pytest.fixture(scope="session")
def ip_program() -> Path:
    """``ip``, on a machine where this process may make network namespaces."""
    ip = needed("ip")
    reason = _probe(ip)
    if reason:
        lacking(f"needs network namespaces: run it as root, with CAP_NET_ADMIN ({reason})")
    return ip


@pytest.fixture(scope="session")
def installation(ip_program: Path, pytestconfig: pytest.Config) -> Installation:
    """Darban installed on a clean Debian, pure; the workers of a run share it."""
    assert ip_program, "a machine is made of namespaces"
    return pure_installation(pytestconfig.stash[_SHARED_PLACE])


def _probe(ip: Path) -> str:
    """Why no network namespace can be made; empty where one can."""
    name = f"darban-probe-{os.getpid()}"
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return made.stderr.strip()
    subprocess.run([ip, "netns", "delete", name], check=True)
    return ""


@pytest.fixture(scope="session")
def made_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for the run."""
    return authority(needed("openssl"), tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(made_authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority, which this process trusts while the test runs."""
    monkeypatch.setenv("SSL_CERT_FILE", str(made_authority.trusted))
    return made_authority
