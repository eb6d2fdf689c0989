"""The policy from git: how it comes in force, and what stays while it cannot come."""

import datetime as dt
import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.live.commands import GOOD, WRONG, darban
from tests.live.policy_repository import PolicyRepository
from tests.live.programs import lacking
from tests.live.pulling import SharedPolicy, blocks, history, policy_status, pull, started, stays
from tests.live.server import Server

SERVICE = pwd.getpwnam("nobody").pw_uid
"""ssh-keygen works only for a user who has a name."""
EXPLAIN = ("explain", "new.example", "--json", "--client")


def test_a_signed_commit_comes_in_force(pulling: SharedPolicy) -> None:
    server, repository = pulling.server, pulling.repository
    assert blocks(server, "pager.example")
    assert not blocks(server, "new.example")
    applied = server.scrape().value("darban_policy_pulls_total", result="applied")
    repository.block("new.example")
    commit = repository.commit()
    done = pull(server)
    assert done.code == GOOD, done.out + done.err
    assert f"commit {commit}, signed by noc, is in force" in done.out
    assert "no recorded questions were tried" in done.out
    assert blocks(server, "new.example")
    status = stays(server, commit)
    assert (status.signer, status.result, status.problem) == ("noc", "applied", "")
    assert [who for event, who in history(server) if event == "pull"][-1].endswith(
        f": commit {commit}, signed by noc"
    )
    again = pull(server)
    assert (again.code, "nothing newer" in again.out) == (GOOD, True)
    assert server.scrape().value("darban_policy_pulls_total", result="applied") > applied
    assert f"commit {commit}, signed by noc" in darban("status", at=server.directory).out
    server.stop()
    started(server)
    assert blocks(server, "new.example")


def test_the_policy_of_an_earlier_commit_is_asked_from_its_snapshot(
    pulling: SharedPolicy,
) -> None:
    server, repository = pulling.server, pulling.repository
    moment = dt.datetime.now(dt.UTC).isoformat()
    repository.block("new.example")
    repository.commit()
    assert pull(server).code == GOOD

    def asked(*at: str) -> dict[str, object]:
        return darban(*EXPLAIN, "127.0.10.5", *at, at=server.directory).json

    assert asked()["outcome"] == "blocked"
    then = asked("--at", moment)
    assert then["outcome"] == "passed"
    in_force = then["in_force"]
    assert isinstance(in_force, dict)
    assert "by the snapshot of then" in in_force["decided_by"]


def test_a_server_pulls_by_itself(pulling: SharedPolicy) -> None:
    server, repository = pulling.server, pulling.repository
    server.stop()
    known = len(history(server))
    repository.block("new.example")
    commit = repository.commit()
    started(server)
    assert blocks(server, "new.example")
    stays(server, commit)
    assert [who for event, who in history(server)[known:] if event == "pull"] == [
        f"timer: commit {commit}, signed by noc"
    ]


def test_a_bundle_does_the_same_without_a_network(pulling: SharedPolicy, tmp_path: Path) -> None:
    server, repository = pulling.server, pulling.repository
    before = repository.head()
    repository.block("new.example")
    commit = repository.commit()
    bundle = tmp_path / "policy.bundle"
    repository.git("bundle", "create", bundle, "stable")
    cut = tmp_path / "cut.bundle"
    cut.write_bytes(bundle.read_bytes()[:-100])
    with repository.away():
        done = pull(server, "--bundle", cut)
        assert done.code == WRONG, done.out + done.err
        assert "nothing was pulled" in done.out
        stays(server, before, "new.example")
        done = pull(server, "--bundle", bundle)
        assert done.code == GOOD, done.out + done.err
        assert blocks(server, "new.example")
        stays(server, commit)
    assert not list(server.state.glob(".bundle-*"))


def test_the_policy_in_force_stays_while_the_source_is_down(
    pulling: SharedPolicy,
) -> None:
    server, repository = pulling.server, pulling.repository
    commit, known = repository.head(), len(history(server))
    pulled = policy_status(server).pulled
    failed = server.scrape().value("darban_policy_pulls_total", result="failed")
    with repository.away():
        done = pull(server)
        assert done.code == WRONG
        assert "nothing was pulled; the policy in force stays" in done.out
        status = stays(server, commit)
        assert status.result == "failed"
        assert status.pulled == pytest.approx(pulled, abs=5)
        seen = server.scrape()
        assert seen.value("darban_policy_pulled_timestamp_seconds") == status.pulled
        assert seen.value("darban_policy_pulls_total", result="failed") > failed
        assert "refused" not in [event for event, _ in history(server)[known:]]
        server.stop()
        started(server)
        stays(server, commit)


def test_an_edit_that_was_not_reloaded_does_not_come_with_it(pulling: SharedPolicy) -> None:
    server, repository = pulling.server, pulling.repository
    text = server.config.read_text(encoding="utf-8")
    more = '[vlans.guests]\nprefixes = ["127.0.30.0/24"]\npolicy = "administrative"\n'
    server.config.write_text(text + more, encoding="utf-8")
    repository.block("new.example")
    repository.commit()
    assert pull(server).code == GOOD
    assert blocks(server, "new.example")
    told = darban("explain", "--client", "127.0.30.5", "new.example", "--json", at=server.directory)
    assert told.json["outcome"] == "refused"
    assert darban("reload", at=server.directory).code == GOOD
    told = darban("explain", "--client", "127.0.30.5", "new.example", "--json", at=server.directory)
    assert told.json["outcome"] == "blocked"


def _flip_a_bit(server: Server) -> Path:
    """Another name stands in the file of the policy in force that blocks pager.example."""
    files = [path for path in (server.state / "policy").resolve().rglob("*") if path.is_file()]
    [file] = [path for path in files if b"||pager.example^" in path.read_bytes()]
    content = bytearray(file.read_bytes())
    content[content.index(b"pager.example")] ^= 1
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("by", ["reload", "start", "start --last-good"])
def test_a_file_with_another_bit_is_written_anew(pulling: SharedPolicy, by: str) -> None:
    server, commit = pulling.server, pulling.repository.head()
    logged = len(server.err)
    if by == "reload":
        _flip_a_bit(server)
        assert darban("reload", at=server.directory).code == GOOD
    else:
        assert server.stop().code == 0
        _flip_a_bit(server)
        server.options = by.split()[1:]
        started(server)
        server.options = []
    assert "files were not as in the commit; they are written anew" in server.err[logged:]
    stays(server, commit)
    assert server.scrape().value("darban_config_ok") == 1


def test_where_the_repository_is_damaged_too_the_last_good_policy_stays(
    pulling: SharedPolicy,
) -> None:
    server, commit = pulling.server, pulling.repository.head()
    assert server.stop().code == 0
    file, packs = _flip_a_bit(server), server.state / "policy.git" / "objects"
    packs.rename(packs.with_name("away"))
    server.options = ["--last-good"]
    with pulling.repository.away():
        started(server)
        stays(server, commit)
        assert server.scrape().value("darban_config_ok") == 0
        why = darban("status", "--json", at=server.directory).json["config_failure"]
        assert f"{server.state / 'policy'}: its files cannot be compared with the commit" in str(
            why
        )
    shutil.rmtree(server.state / "policy.git")
    assert pull(server).code == GOOD
    assert darban("reload", at=server.directory).code == GOOD
    assert b"pager.example" in file.read_bytes()
    assert server.scrape().value("darban_config_ok") == 1
    server.options = []


def test_without_a_policy_nothing_starts(unpulled: Server) -> None:
    done = darban("check", at=unpulled.directory)
    assert done.code == WRONG
    assert "It comes from [policy_source]: 'darban pull' fetches it." in done.out + done.err


def test_root_pulls_as_the_services_user(
    unpulled: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        lacking("needs root: it works on the files of another user")
    bundle = tmp_path / "policy.bundle"
    repository.git("bundle", "create", bundle, "stable")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        text = unpulled.config.read_text(encoding="utf-8")
        (directory / "signers").write_bytes(repository.allowed.read_bytes())
        text = text.replace(str(repository.allowed), "signers")
        (directory / "config.toml").write_text(text, encoding="utf-8")
        state = directory / ".darban"
        state.mkdir()
        os.chown(state, SERVICE, SERVICE)
        done = darban("pull", "--bundle", bundle, at=directory, state_of_service=True)
        assert done.code == GOOD, done.out + done.err
        assert "the next start or 'darban reload' puts it in force" in done.out
        assert (state / "policy").resolve().name == repository.head()
        made = [state, *state.rglob("*")]
        assert {path.lstat().st_uid for path in made} == {SERVICE}
        assert len(made) > 10


def test_exemptions_are_signed_in_the_operators_clone(
    pulling: SharedPolicy, tmp_path: Path
) -> None:
    server, repository = pulling.server, pulling.repository
    words = ("127.0.10.5", "pager", "--for", "2h", "--approver", "Head of PR", "--ticket", "IT-7")
    done = darban("exempt", *words, "--config", "config.toml", at=server.directory)
    assert done.code == WRONG
    assert "In your clone of it" in done.err
    done = darban("exempt", *words, "--config", repository.path / "config.toml", at=tmp_path)
    assert done.code == GOOD, done.out + done.err
    assert "exemption it-7 is written" in done.out
    repository.commit()
    assert pull(server).code == GOOD
    assert not blocks(server, "pager.example")
    assert policy_status(server).commit == repository.head()


def test_a_config_with_errors_is_told_where_no_server_pulls(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[policy_source\n")
    done = darban("pull", at=tmp_path)
    assert done.code == WRONG
    assert "config.toml:1: " in done.err
    assert "no [policy_source]" not in done.err
