"""The policy from git: what comes in force, what is refused, and what is served and said then."""

import datetime as dt
import json
import os
import pwd
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from resolver.metrics.status import PolicySourceStatus
from tests.live.clients import ask
from tests.live.commands import GOOD, NO, WRONG, Done, darban
from tests.live.policy_repository import CONFIG, OTHER, PolicyRepository, policy_repository
from tests.live.ports import free_port
from tests.live.programs import lacking
from tests.live.server import Server
from tests.live.waiting import wait_for

SERVICE = pwd.getpwnam("nobody").pw_uid
"""ssh-keygen works only for a user who has a name."""
WITHOUT_RULES = """
[lists]
directories = []
[policies.open]
[vlans.administration]
prefixes = ["127.0.10.0/24"]
policy = "open"
"""
LOCAL = """
[server]
listen = ["127.0.0.1:{port}"]
workers = 1
[metrics]
listen = "127.0.0.1:{metrics}"
[upstream]
servers = ["{upstream}"]
[policy_source]
repository = "{repository}"
allowed_signers = "{allowed}"
max_newly_blocked = 2
"""


@pytest.fixture
def repository(tmp_path: Path) -> PolicyRepository:
    return policy_repository(tmp_path)


@pytest.fixture
def stopped(make: Callable[[str], Server], upstream: str, repository: PolicyRepository) -> Server:
    """A server of the repository's policy; not yet started, nothing pulled."""
    text = LOCAL.format(
        port=free_port(),
        metrics=free_port(),
        upstream=upstream,
        repository=repository.path,
        allowed=repository.allowed,
    )
    server = make(text)
    server.environment = {"STATE_DIRECTORY": ""}
    server.expect_error("supervisor: ")  # why a pull has failed, which the tests read elsewhere
    return server


@pytest.fixture
def server(stopped: Server) -> Server:
    done = _pull(stopped)
    assert done.code == GOOD, done.out + done.err
    return _started(stopped)


def _started(server: Server) -> Server:
    """Start it, and wait for its own first pull; the next comes a minute later."""
    server.start()
    pulled = partial(darban, "status", "--json", at=server.directory)
    wait_for(lambda: pulled().json["policy_source"], "it has pulled")
    return server


def _pull(server: Server, *options: str | Path) -> Done:
    return darban("pull", *options, at=server.directory)


def _blocks(server: Server, name: str) -> bool:
    answer = ask(server.port, name, client="127.0.10.5")
    assert answer is not None
    return [str(record.rdata) for record in answer.rr] == ["0.0.0.0"]


def _status(server: Server) -> PolicySourceStatus:
    told = darban("status", "--json", at=server.directory).json["policy_source"]
    return PolicySourceStatus(**told)  # type: ignore[arg-type]


def _history(server: Server) -> list[tuple[str, str]]:
    told = json.loads(darban("history", "--json", at=server.directory).out)
    return [(each["event"], each["who"]) for each in told["entries"]]


def _stays(server: Server, commit: str, *names: str) -> PolicySourceStatus:
    """Check that a commit is in force, and does not block these names; the status."""
    for name in names:
        assert not _blocks(server, name)
    assert _blocks(server, "pager.example")
    status = _status(server)
    assert status.commit == commit
    assert (server.directory / ".darban" / "policy").resolve().name == commit
    return status


def test_a_signed_commit_comes_in_force(server: Server, repository: PolicyRepository) -> None:
    assert _blocks(server, "pager.example")
    assert not _blocks(server, "new.example")
    repository.block("new.example")
    commit = repository.commit()
    done = _pull(server)
    assert done.code == GOOD, done.out + done.err
    assert f"commit {commit}, signed by noc, is in force" in done.out
    assert "no recorded questions were tried" in done.out
    assert _blocks(server, "new.example")
    status = _stays(server, commit)
    assert (status.signer, status.result, status.problem) == ("noc", "applied", "")
    assert [who for event, who in _history(server) if event == "pull"][-1].endswith(
        f": commit {commit}, signed by noc"
    )
    again = _pull(server)
    assert (again.code, "nothing newer" in again.out) == (GOOD, True)
    assert server.scrape().value("darban_policy_pulls_total", result="applied") >= 1
    assert f"commit {commit}, signed by noc" in darban("status", at=server.directory).out
    server.stop()
    _started(server)
    assert _blocks(server, "new.example")


@pytest.mark.parametrize(
    ("signer", "why"),
    [("", "it has no signature"), (OTHER, "its key is not among the allowed signers")],
)
def test_a_signature_that_does_not_pass_is_refused(
    server: Server, repository: PolicyRepository, signer: str, why: str
) -> None:
    before = repository.head()
    repository.block("new.example")
    commit = repository.commit(signer)
    done = _pull(server)
    assert done.code == NO, done.out + done.err
    assert f"commit {commit}: refused: {why}" in done.out
    status = _stays(server, before, "new.example")
    assert (status.result, why in status.problem) == ("refused", True)
    assert server.scrape().value("darban_policy_pulls_total", result="refused") >= 1
    [who] = [who for event, who in _history(server) if event == "refused"]
    assert commit in who
    assert why in " ".join(darban("status", at=server.directory).out.split())
    now = dt.datetime.now(dt.UTC).isoformat()
    assert "(start)" in darban("history", "--at", now, at=server.directory).out
    # a later signed commit is good again, and the history of a moment has no gap
    repository.commit()
    assert _pull(server).code == GOOD
    assert _blocks(server, "new.example")


def test_an_older_state_is_refused(server: Server, repository: PolicyRepository) -> None:
    older = repository.head()
    repository.block("new.example")
    newer = repository.commit()
    assert _pull(server).code == GOOD
    repository.git("reset", "--quiet", "--hard", older)
    done = _pull(server)
    assert done.code == NO
    assert (
        f"commit {older}: refused: it is older than commit {newer}, which is in force" in done.out
    )
    assert _blocks(server, "new.example")
    _stays(server, newer)
    repository.block("fork.example")
    repository.commit()
    done = _pull(server)
    assert done.code == NO
    assert f"it does not descend from commit {newer}, which is in force" in done.out
    _stays(server, newer, "fork.example")


@pytest.mark.parametrize(
    ("config", "code", "why"),
    [
        (CONFIG.replace("@messenger", "@messengers"), WRONG, "@messengers"),
        (CONFIG + "[[", WRONG, "valid TOML"),
        (CONFIG.replace('["@messenger"]', "[]"), NO, "expectations that do not hold"),
        (CONFIG + '[upstream]\nservers = ["192.0.2.1"]\n', WRONG, "found [upstream]"),
    ],
    ids=["wrong", "no TOML", "expectation", "not its section"],
)
def test_a_commit_that_fails_the_check_is_refused(
    server: Server, repository: PolicyRepository, config: str, code: int, why: str
) -> None:
    before = repository.head()
    repository.write("config.toml", config)
    repository.block("new.example")
    commit = repository.commit()
    done = _pull(server)
    assert done.code == code, done.out + done.err
    assert f"commit {commit}, signed by noc: refused:" in done.out
    assert why in done.out
    status = _stays(server, before, "new.example")
    assert status.result == "refused"
    assert darban("reload", at=server.directory).code == GOOD
    _stays(server, before, "new.example")


def test_too_many_recorded_names_may_not_be_blocked_newly(
    server: Server, repository: PolicyRepository
) -> None:
    before = repository.head()
    names = [f"n{number}.example" for number in range(3)]
    rows = "".join(f"administration\t{name}\tA\t{7 - place}\n" for place, name in enumerate(names))
    header = '# darban record 1 {"began": "2026-11-26T08:00:00Z", "minutes": 1.0, "vlans": []}\n'
    questions = server.directory / ".darban" / "questions.tsv"
    questions.write_text(header + rows, encoding="utf-8")
    repository.block(*names)
    repository.commit()
    done = _pull(server)
    assert done.code == NO, done.out + done.err
    assert "it blocks 3 recorded names that pass now" in done.out
    assert "n0.example (administration), n1.example (administration)" in done.out
    _stays(server, before, *names)
    assert _pull(server, "--accept").code == GOOD
    assert all(_blocks(server, name) for name in names)
    repository.block(*names, "n3.example", "n4.example")
    repository.commit()
    done = _pull(server)
    assert done.code == GOOD
    assert "no recorded questions" not in done.out


def test_a_bundle_does_the_same_without_a_network(
    server: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    before = repository.head()
    repository.block("new.example")
    commit = repository.commit()
    bundle = tmp_path / "policy.bundle"
    repository.git("bundle", "create", bundle, "stable")
    repository.path.rename(tmp_path / "away")
    cut = tmp_path / "cut.bundle"
    cut.write_bytes(bundle.read_bytes()[:-100])
    done = _pull(server, "--bundle", cut)
    assert done.code == WRONG, done.out + done.err
    assert "nothing was pulled" in done.out
    _stays(server, before, "new.example")
    done = _pull(server, "--bundle", bundle)
    assert done.code == GOOD, done.out + done.err
    assert _blocks(server, "new.example")
    _stays(server, commit)
    assert not list((server.directory / ".darban").glob(".bundle-*"))


def test_the_policy_in_force_stays_while_the_source_is_down(
    server: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    commit = repository.head()
    pulled = _status(server).pulled
    repository.path.rename(tmp_path / "away")
    done = _pull(server)
    assert done.code == WRONG
    assert "nothing was pulled; the policy in force stays" in done.out
    status = _stays(server, commit)
    assert status.result == "failed"
    assert status.pulled == pytest.approx(pulled, abs=5)
    seen = server.scrape()
    assert seen.value("darban_policy_pulled_timestamp_seconds") == status.pulled
    assert seen.value("darban_policy_pulls_total", result="failed") >= 1
    assert "refused" not in [event for event, _ in _history(server)]
    server.stop()
    _started(server)
    _stays(server, commit)


def test_an_edit_that_was_not_reloaded_does_not_come_with_it(
    server: Server, repository: PolicyRepository
) -> None:
    text = server.config.read_text(encoding="utf-8")
    more = '[vlans.guests]\nprefixes = ["127.0.30.0/24"]\npolicy = "administrative"\n'
    server.config.write_text(text + more, encoding="utf-8")
    repository.block("new.example")
    repository.commit()
    assert _pull(server).code == GOOD
    assert _blocks(server, "new.example")
    told = darban("explain", "--client", "127.0.30.5", "new.example", "--json", at=server.directory)
    assert told.json["outcome"] == "refused"
    assert darban("reload", at=server.directory).code == GOOD
    told = darban("explain", "--client", "127.0.30.5", "new.example", "--json", at=server.directory)
    assert told.json["outcome"] == "blocked"


def test_without_a_policy_nothing_starts(stopped: Server) -> None:
    done = darban("check", at=stopped.directory)
    assert done.code == WRONG
    assert "It comes from [policy_source]: 'darban pull' fetches it." in done.out + done.err


def test_root_pulls_as_the_services_user(
    stopped: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        lacking("needs root: it works on the files of another user")
    bundle = tmp_path / "policy.bundle"
    repository.write("config.toml", WITHOUT_RULES)  # rules need more of Python than nobody may read
    repository.commit()
    repository.git("bundle", "create", bundle, "stable")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        text = stopped.config.read_text(encoding="utf-8")
        (directory / "signers").write_bytes(repository.allowed.read_bytes())
        text = text.replace(str(repository.allowed), "signers")
        (directory / "config.toml").write_text(text, encoding="utf-8")
        state = directory / ".darban"
        state.mkdir()
        os.chown(state, SERVICE, SERVICE)
        done = darban("pull", "--bundle", bundle, at=directory)
        assert done.code == GOOD, done.out + done.err
        assert "the next start or 'darban reload' puts it in force" in done.out
        assert (state / "policy").resolve().name == repository.head()
        made = [state, *state.rglob("*")]
        assert {path.lstat().st_uid for path in made} == {SERVICE}
        assert len(made) > 10


def test_exemptions_are_signed_in_the_operators_clone(
    server: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    words = ("127.0.10.5", "pager", "--for", "2h", "--approver", "Head of PR", "--ticket", "IT-7")
    done = darban("exempt", *words, "--config", "config.toml", at=server.directory)
    assert done.code == WRONG
    command = "darban exempt --repo PATH 127.0.10.5 pager --for 2h --approver 'Head of PR'"
    assert command in done.err
    done = darban("exempt", "--repo", repository.path, *words, at=tmp_path)
    assert done.code == GOOD, done.out + done.err
    assert "committed and signed" in done.out
    assert _pull(server).code == GOOD
    assert not _blocks(server, "pager.example")
    assert _status(server).commit == repository.head()
