"""The policy from git: how it comes in force, and what stays while it cannot come."""

import os
import pwd
import tempfile
from pathlib import Path

import pytest

from tests.live.commands import GOOD, WRONG, darban
from tests.live.policy_repository import PolicyRepository
from tests.live.programs import lacking
from tests.live.pulling import blocks, history, policy_status, pull, started, stays
from tests.live.server import Server

SERVICE = pwd.getpwnam("nobody").pw_uid
"""ssh-keygen works only for a user who has a name."""
EXPLAIN = ("explain", "new.example", "--json", "--client")
WITHOUT_RULES = """
[lists]
directories = []
[policies.open]
[vlans.administration]
prefixes = ["127.0.10.0/24"]
policy = "open"
"""


def test_a_signed_commit_comes_in_force(pulling: Server, repository: PolicyRepository) -> None:
    assert blocks(pulling, "pager.example")
    assert not blocks(pulling, "new.example")
    repository.block("new.example")
    commit = repository.commit()
    done = pull(pulling)
    assert done.code == GOOD, done.out + done.err
    assert f"commit {commit}, signed by noc, is in force" in done.out
    assert "no recorded questions were tried" in done.out
    assert blocks(pulling, "new.example")
    status = stays(pulling, commit)
    assert (status.signer, status.result, status.problem) == ("noc", "applied", "")
    assert [who for event, who in history(pulling) if event == "pull"][-1].endswith(
        f": commit {commit}, signed by noc"
    )
    again = pull(pulling)
    assert (again.code, "nothing newer" in again.out) == (GOOD, True)
    assert pulling.scrape().value("darban_policy_pulls_total", result="applied") >= 1
    assert f"commit {commit}, signed by noc" in darban("status", at=pulling.directory).out
    pulling.stop()
    started(pulling)
    assert blocks(pulling, "new.example")


def test_a_server_pulls_by_itself(pulling: Server, repository: PolicyRepository) -> None:
    pulling.stop()
    repository.block("new.example")
    commit = repository.commit()
    started(pulling)
    assert blocks(pulling, "new.example")
    stays(pulling, commit)
    assert [who for event, who in history(pulling) if event == "pull"] == [
        f"timer: commit {commit}, signed by noc"
    ]


def test_a_bundle_does_the_same_without_a_network(
    pulling: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    before = repository.head()
    repository.block("new.example")
    commit = repository.commit()
    bundle = tmp_path / "policy.bundle"
    repository.git("bundle", "create", bundle, "stable")
    repository.path.rename(tmp_path / "away")
    cut = tmp_path / "cut.bundle"
    cut.write_bytes(bundle.read_bytes()[:-100])
    done = pull(pulling, "--bundle", cut)
    assert done.code == WRONG, done.out + done.err
    assert "nothing was pulled" in done.out
    stays(pulling, before, "new.example")
    done = pull(pulling, "--bundle", bundle)
    assert done.code == GOOD, done.out + done.err
    assert blocks(pulling, "new.example")
    stays(pulling, commit)
    assert not list((pulling.directory / ".darban").glob(".bundle-*"))


def test_the_policy_in_force_stays_while_the_source_is_down(
    pulling: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    commit = repository.head()
    pulled = policy_status(pulling).pulled
    repository.path.rename(tmp_path / "away")
    done = pull(pulling)
    assert done.code == WRONG
    assert "nothing was pulled; the policy in force stays" in done.out
    status = stays(pulling, commit)
    assert status.result == "failed"
    assert status.pulled == pytest.approx(pulled, abs=5)
    seen = pulling.scrape()
    assert seen.value("darban_policy_pulled_timestamp_seconds") == status.pulled
    assert seen.value("darban_policy_pulls_total", result="failed") >= 1
    assert "refused" not in [event for event, _ in history(pulling)]
    pulling.stop()
    started(pulling)
    stays(pulling, commit)


def test_an_edit_that_was_not_reloaded_does_not_come_with_it(
    pulling: Server, repository: PolicyRepository
) -> None:
    text = pulling.config.read_text(encoding="utf-8")
    more = '[vlans.guests]\nprefixes = ["127.0.30.0/24"]\npolicy = "administrative"\n'
    pulling.config.write_text(text + more, encoding="utf-8")
    repository.block("new.example")
    repository.commit()
    assert pull(pulling).code == GOOD
    assert blocks(pulling, "new.example")
    told = darban(
        "explain", "--client", "127.0.30.5", "new.example", "--json", at=pulling.directory
    )
    assert told.json["outcome"] == "refused"
    assert darban("reload", at=pulling.directory).code == GOOD
    told = darban(
        "explain", "--client", "127.0.30.5", "new.example", "--json", at=pulling.directory
    )
    assert told.json["outcome"] == "blocked"


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
    repository.write("config.toml", WITHOUT_RULES)  # rules need more of Python than nobody may read
    repository.commit()
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
        done = darban("pull", "--bundle", bundle, at=directory)
        assert done.code == GOOD, done.out + done.err
        assert "the next start or 'darban reload' puts it in force" in done.out
        assert (state / "policy").resolve().name == repository.head()
        made = [state, *state.rglob("*")]
        assert {path.lstat().st_uid for path in made} == {SERVICE}
        assert len(made) > 10


def test_exemptions_are_signed_in_the_operators_clone(
    pulling: Server, repository: PolicyRepository, tmp_path: Path
) -> None:
    words = ("127.0.10.5", "pager", "--for", "2h", "--approver", "Head of PR", "--ticket", "IT-7")
    done = darban("exempt", *words, "--config", "config.toml", at=pulling.directory)
    assert done.code == WRONG
    command = "darban exempt --repo PATH 127.0.10.5 pager --for 2h --approver 'Head of PR'"
    assert command in done.err
    done = darban("exempt", "--repo", repository.path, *words, at=tmp_path)
    assert done.code == GOOD, done.out + done.err
    assert "committed and signed" in done.out
    assert pull(pulling).code == GOOD
    assert not blocks(pulling, "pager.example")
    assert policy_status(pulling).commit == repository.head()
