"""Commits of the policy that must not come in force: what is served and said instead."""

import datetime as dt
import threading

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, WRONG, darban
from tests.live.policy_repository import CONFIG, OTHER, PolicyRepository
from tests.live.pulling import blocks, history, pull, stays
from tests.live.server import Server


@pytest.mark.parametrize(
    ("signer", "why"),
    [("", "it has no signature"), (OTHER, "its key is not among the allowed signers")],
)
def test_a_signature_that_does_not_pass_is_refused(
    pulling: Server, repository: PolicyRepository, signer: str, why: str
) -> None:
    before = repository.head()
    repository.block("new.example")
    commit = repository.commit(signer)
    done = pull(pulling)
    assert done.code == NO, done.out + done.err
    assert f"commit {commit}: refused: {why}" in done.out
    status = stays(pulling, before, "new.example")
    assert (status.result, why in status.problem) == ("refused", True)
    assert pulling.scrape().value("darban_policy_pulls_total", result="refused") >= 1
    [who] = [who for event, who in history(pulling) if event == "refused"]
    assert commit in who
    assert why in " ".join(darban("status", at=pulling.directory).out.split())
    now = dt.datetime.now(dt.UTC).isoformat()
    assert "(start)" in darban("history", "--at", now, at=pulling.directory).out
    # a later signed commit is good again, and the history of a moment has no gap
    repository.commit()
    assert pull(pulling).code == GOOD
    assert blocks(pulling, "new.example")


def test_an_older_state_is_refused(pulling: Server, repository: PolicyRepository) -> None:
    older = repository.head()
    repository.block("new.example")
    newer = repository.commit()
    assert pull(pulling).code == GOOD
    repository.git("reset", "--quiet", "--hard", older)
    done = pull(pulling)
    assert done.code == NO
    assert (
        f"commit {older}: refused: it is older than commit {newer}, which is in force" in done.out
    )
    assert blocks(pulling, "new.example")
    stays(pulling, newer)
    repository.block("fork.example")
    repository.commit()
    done = pull(pulling)
    assert done.code == NO
    assert f"it does not descend from commit {newer}, which is in force" in done.out
    stays(pulling, newer, "fork.example")


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
    pulling: Server, repository: PolicyRepository, config: str, code: int, why: str
) -> None:
    before = repository.head()
    repository.write("config.toml", config)
    repository.block("new.example")
    commit = repository.commit()
    done = pull(pulling)
    assert done.code == code, done.out + done.err
    assert f"commit {commit}, signed by noc: refused:" in done.out
    assert why in done.out
    status = stays(pulling, before, "new.example")
    assert status.result == "refused"
    assert darban("reload", at=pulling.directory).code == GOOD
    stays(pulling, before, "new.example")


def test_too_many_recorded_names_may_not_be_blocked_newly(
    pulling: Server, repository: PolicyRepository
) -> None:
    before = repository.head()
    names = [f"n{number}.example" for number in range(3)]
    rows = "".join(f"administration\t{name}\tA\t{7 - place}\n" for place, name in enumerate(names))
    header = '# darban record 1 {"began": "2026-11-26T08:00:00Z", "minutes": 1.0, "vlans": []}\n'
    questions = pulling.directory / ".darban" / "questions.tsv"
    questions.write_text(header + rows, encoding="utf-8")
    repository.block(*names)
    repository.commit()
    done = pull(pulling)
    assert done.code == NO, done.out + done.err
    assert "it blocks 3 recorded names that pass now" in done.out
    assert "n0.example (administration), n1.example (administration)" in done.out
    stays(pulling, before, *names)
    assert pull(pulling, "--accept").code == GOOD
    assert all(blocks(pulling, name) for name in names)
    repository.block(*names, "n3.example", "n4.example")
    repository.commit()
    done = pull(pulling)
    assert done.code == GOOD
    assert "no recorded questions" not in done.out


def test_what_the_server_has_recorded_is_tried(
    pulling: Server, repository: PolicyRepository
) -> None:
    names = [f"n{number}.example" for number in range(3)]
    for _ in range(2):  # the second replaces the first
        recorded = threading.Event()

        def ask_all(recorded: threading.Event) -> None:
            while not recorded.is_set():
                for name in names:
                    ask(pulling.port, name, client="127.0.10.5")

        asking = threading.Thread(target=ask_all, args=(recorded,))
        asking.start()
        done = darban("record", "--minutes", "0.03", "--keep", at=pulling.directory)
        recorded.set()
        asking.join()
        assert done.code == GOOD, done.out + done.err
    repository.block(*names)
    repository.commit()
    done = pull(pulling)
    assert done.code == NO, done.out + done.err
    assert "it blocks 3 recorded names that pass now" in done.out
