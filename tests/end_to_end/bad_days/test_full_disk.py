"""The disk of the state directory is full: what is served, and what is said."""

import os
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.commands import GOOD, UNREACHABLE, WRONG, Done, darban
from tests.live.configs import edited
from tests.live.nsd import ANY_V4
from tests.live.policy_repository import PolicyRepository
from tests.live.pulling import policy_status, pull, started, stays
from tests.live.reloading import DENY, OPEN, data, reload
from tests.live.server import Server
from tests.live.small_disk import fill, small_disk
from tests.live.waiting import wait_for

NO_SPACE = "No space left on device"
PAGE = os.sysconf("SC_PAGESIZE")
"""What the smallest file takes of a small disk."""
_NO_ROOM = f"{NO_SPACE}|KiB are left on the disk"
_NOT_WRITTEN = "the (figures|audit log) cannot be written"
"""The server goes on without them."""


def test_a_start_serves_the_last_good_snapshot(make_small: Callable[..., Server]) -> None:
    server = make_small()
    server.expect_error(f"the last good snapshot, .*, is served instead|{_NOT_WRITTEN}")
    server.options = ["--last-good"]
    with small_disk(server.state):
        server.start()
        assert server.stop().code == 0
        ballast = fill(server.state)
        server.start()
        assert server.scrape().value("darban_config_ok") == 1, "its snapshot is on the disk"
        assert data(server, "web.telegram.org") == {"0.0.0.0"}
        assert server.stop().code == 0

        (server.state / "lock").unlink()
        fill(server.state)  # so that the process ID cannot be written either
        edited(server.config, DENY, OPEN)
        logged = len(server.err)
        server.start()
        why = f"{server.state}: the state directory cannot be written to ({NO_SPACE})"
        assert f"{server.config} is not put in force:\n{why}" in server.err[logged:]
        assert server.scrape().value("darban_config_ok") == 0
        assert data(server, "web.telegram.org") == {"0.0.0.0"}
        status = darban("status", "--json", at=server.directory).json
        assert str(status["config_failure"]).startswith(why)
        with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/?lang=en") as page:
            shown = page.read().decode()
        assert "Run darban status to see why." in shown
        assert str(server.state) not in shown, "every user of the machine can read the page"

        assert "another darban runs with this state directory" in _second(server)

        ballast.unlink()
        assert reload(server).code == GOOD
        assert server.scrape().value("darban_config_ok") == 1
        assert data(server, "web.telegram.org") == {ANY_V4}
        assert server.stop().code == 0


def test_a_start_on_a_disk_that_is_read_only_serves_what_was_in_force(
    make_small: Callable[..., Server],
) -> None:
    """As the kernel leaves a disk after an error."""
    server = make_small()
    server.expect_error("Read-only file system|the last good snapshot, .*, is served instead")
    server.expect_error(_NOT_WRITTEN)
    server.options = ["--last-good"]
    with small_disk(server.state):
        server.start()
        assert server.stop().code == 0
        subprocess.run(["mount", "-o", "remount,ro", server.state], check=True)
        server.start()
        assert server.scrape().value("darban_config_ok") == 1
        assert data(server, "web.telegram.org") == {"0.0.0.0"}
        assert "another darban runs with this state directory" in _second(server)
        wait_for(lambda: _no_control_socket(server) == 1, "the metric tells")
        done = darban("status", at=server.directory)
        assert done.code == UNREACHABLE
        assert "whether it can write to" in done.err
        subprocess.run(["mount", "-o", "remount,rw", server.state], check=True)
        wait_for(lambda: _no_control_socket(server) == 0, "the metric tells")
        assert darban("status", at=server.directory).code == GOOD
        subprocess.run(["mount", "-o", "remount,ro", server.state], check=True)
        assert server.stop().code == 0

        edited(server.config, DENY, OPEN)
        server.start()
        assert server.scrape().value("darban_config_ok") == 0
        assert data(server, "web.telegram.org") == {"0.0.0.0"}
        assert server.stop().code == 0


def _no_control_socket(server: Server) -> float:
    return server.scrape().value("darban_faults", kind="no_control_socket")


def _second(server: Server) -> str:
    """What another server with the same state directory says."""
    command = [*server.program, "run", "--config", server.config]
    return subprocess.run(command, capture_output=True, check=False, text=True).stderr


def test_a_start_without_last_good_says_why_it_ends(make_small: Callable[..., Server]) -> None:
    server = make_small()
    with small_disk(server.state):
        fill(server.state)
        for options in ([], ["--last-good"]):
            server.options = options
            server.launch()
            ended = server.ended()
            assert ended.code == WRONG
            assert f"the state directory cannot be written to ({NO_SPACE})" in ended.err
            assert ("there is no last good snapshot" in ended.err) == bool(options)


@pytest.fixture
def on_small_disk(unpulled: Server) -> Iterator[Server]:
    """A server whose state is on a small disk, and whose policy was pulled."""
    unpulled.expected.clear()
    with small_disk(unpulled.state):
        assert pull(unpulled).code == GOOD
        yield unpulled
        unpulled.kill_what_is_left()


def test_a_pull_fails_and_the_policy_in_force_stays(
    on_small_disk: Server, repository: PolicyRepository
) -> None:
    """However much room is left, from none to enough, by five pages at a time."""
    server = started(on_small_disk)
    server.expect_error(f"policy of |pull by |cannot be written to|{_NOT_WRITTEN}")
    in_force = repository.head()
    repository.block("new.example")
    commit = repository.commit()
    for pages in range(0, 80, 5):
        ballast = fill(server.state, pages * PAGE)
        done = pull(server)
        if done.code == GOOD:
            break
        _is_failed(server, done)
        stays(server, in_force, "new.example")
        ballast.unlink()
    assert pages > 1
    assert done.code == GOOD, done.out + done.err
    stays(server, commit)
    assert not list(server.state.glob(".policy*"))


def _fails(server: Server) -> None:
    """Pull with a full disk."""
    refused = server.scrape().value("darban_policy_pulls_total", result="refused")
    _is_failed(server, pull(server))
    assert server.scrape().value("darban_policy_pulls_total", result="refused") == refused


def _is_failed(server: Server, done: Done) -> None:
    """The pull says that nothing was pulled, and that there was no room."""
    assert done.code == WRONG, done.out + done.err
    assert "nothing was pulled; the policy in force stays" in done.out
    status = policy_status(server)
    assert status.result == "failed"
    assert re.search(_NO_ROOM, status.problem), status.problem
    assert status.problem in server.err


def test_a_commit_that_changes_no_rule_is_not_half_in_force(
    on_small_disk: Server, repository: PolicyRepository
) -> None:
    """Nothing has to be written for it but the record of the commit in force."""
    server = started(on_small_disk)
    server.expect_error(f"policy of |{_NOT_WRITTEN}")
    in_force = repository.head()
    repository.write("README", "This is the policy.\n")
    commit = repository.commit()
    ballast = fill(server.state)
    _fails(server)
    stays(server, in_force)
    ballast.unlink()
    assert pull(server).code == GOOD
    stays(server, commit)


def test_a_signature_that_cannot_be_checked_is_not_called_missing(
    on_small_disk: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    """git writes the signature into a temporary file, for ssh-keygen."""
    server = on_small_disk
    temporary = tmp_path / "tmp"
    server.environment = {"TMPDIR": str(temporary)}
    with small_disk(temporary):
        started(server)
        server.expect_error(f"policy of |{_NOT_WRITTEN}")
        in_force = repository.head()
        repository.block("new.example")
        commit = repository.commit()
        ballast = fill(temporary)
        _fails(server)
        assert "error: failed writing detached signature" in policy_status(server).problem
        stays(server, in_force, "new.example")
        ballast.unlink()
        assert pull(server).code == GOOD
        stays(server, commit)


def test_a_pull_of_what_is_in_force_fails(
    on_small_disk: Server, repository: PolicyRepository
) -> None:
    server = started(on_small_disk)
    server.expect_error(f"policy of |{_NOT_WRITTEN}")
    fill(server.state)
    _fails(server)
    stays(server, repository.head())


def test_a_pull_without_a_server_changes_nothing(
    on_small_disk: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    server = on_small_disk
    in_force = repository.head()
    repository.block("new.example")
    repository.commit()
    bundle = tmp_path / "policy.bundle"
    repository.git("bundle", "create", bundle, "stable")
    fill(server.state)
    for options in ((), ("--bundle", bundle)):
        done = pull(server, *options)
        assert done.code == WRONG
        assert re.search(_NO_ROOM, done.err), done.err
        assert (server.state / "policy").resolve().name == in_force
        assert not list(server.state.glob(".[bp]*"))
