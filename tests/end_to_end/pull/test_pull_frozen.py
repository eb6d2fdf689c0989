"""A repository that gives an older signed commit, as a frozen or replayed mirror does."""

import json
import time

import pytest

from tests.live.commands import GOOD, NO, darban
from tests.live.policy_repository import PolicyRepository
from tests.live.pulling import SharedPolicy, blocks, policy_status, pull, started, stays
from tests.live.server import Server

WARNING = "the commit is more than 30 days old, so the repository may be frozen"
DAY = 86400


def _expired(server: Server) -> bool:
    """Whether the server says so; its metric, its faults and its status agree."""
    seen, now = server.scrape(), time.time()
    expired = seen.value("darban_policy_expiry_timestamp_seconds") < now
    assert seen.value("darban_faults", kind="policy_expired") == expired
    told = " ".join(darban("status", at=server.directory).out.split())
    assert ("the policy expired on" in told) == expired
    assert ("expires in" in told) != expired
    return expired


def test_a_frozen_repository_is_noticed_until_somebody_signs(pulling: SharedPolicy) -> None:
    server, repository = pulling.server, pulling.repository
    assert not _expired(server)
    repository.block("new.example")
    frozen = repository.commit(days_ago=31)
    done = pull(server)
    assert done.code == GOOD, done.out + done.err
    assert WARNING in done.out
    record = server.state / "policy.json"
    fields = json.loads(record.read_bytes())
    without_date = {key: value for key, value in fields.items() if key != "dated"}
    for before in (fields, without_date):  # the latter as an earlier release has written it
        record.write_text(json.dumps(before))
        done = pull(server)
        assert (done.code, "nothing newer" in done.out) == (GOOD, True), done.out + done.err
        assert WARNING in done.out
        assert stays(server, frozen).result == "unchanged"
        assert blocks(server, "new.example")
        assert _expired(server)
    signed = repository.commit()  # without changes
    assert repository.git("diff", frozen, signed) == ""
    done = pull(server)
    assert done.code == GOOD, done.out + done.err
    assert WARNING not in done.out
    stays(server, signed)
    assert not _expired(server)
    # rolled back to what it had, nothing goes back
    repository.git("reset", "--quiet", "--hard", frozen)
    done = pull(server)
    assert done.code == NO
    assert f"commit {frozen}: refused: it is older than commit {signed}" in done.out
    stays(server, signed)
    assert not _expired(server)


def test_a_date_in_the_future_prolongs_nothing(pulling: SharedPolicy) -> None:
    server, repository = pulling.server, pulling.repository
    repository.commit(days_ago=-1000)
    done = pull(server)
    assert done.code == GOOD, done.out + done.err
    assert WARNING not in done.out
    assert policy_status(server).expiry == pytest.approx(time.time() + 30 * DAY, abs=60)


def test_an_older_commit_given_to_a_new_site_is_noticed_by_its_age(
    unpulled: Server, repository: PolicyRepository
) -> None:
    older = repository.commit(days_ago=31)
    repository.block("new.example")
    repository.commit()
    repository.git("reset", "--quiet", "--hard", older)
    done = pull(unpulled)
    assert done.code == GOOD, done.out + done.err
    assert f"commit {older}, signed by noc, is here" in done.out
    assert WARNING in done.out
    started(unpulled)
    stays(unpulled, older)
    assert _expired(unpulled)
