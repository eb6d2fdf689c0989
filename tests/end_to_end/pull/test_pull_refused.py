"""Commits of the policy that must not come in force: what is served and said instead."""

import datetime as dt
import re
import threading

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, WRONG, darban
from tests.live.policy_repository import CONFIG, OTHER
from tests.live.pulling import SharedPolicy, blocks, history, pull, stays
from tests.live.server import Server
from tests.live.waiting import wait_for

TOO_LONG = """
[exemption_limits]
longest = "30d"
[[exemptions]]
id = "pr"
vlan = "administration"
services = ["pager"]
until = 2199-03-20T00:00:00Z
approver = "Head of PR"
ticket = "PR-2031"
"""


def _in_force(server: Server) -> str:
    """Since when and by what the policy is in force, as the history says."""
    now = dt.datetime.now(dt.UTC).isoformat()
    told = darban("history", "--at", now, at=server.directory).out
    found = re.search(r"since .* \((start|pull)\)", told)
    assert found, told
    return found[0]


@pytest.mark.parametrize(
    ("signer", "why"),
    [("", "it has no signature"), (OTHER, "its key is not among the allowed signers")],
)
def test_a_signature_that_does_not_pass_is_refused(
    pulling: SharedPolicy, signer: str, why: str
) -> None:
    server, repository = pulling.server, pulling.repository
    before, known, in_force = repository.head(), len(history(server)), _in_force(server)
    refused = server.scrape().value("darban_policy_pulls_total", result="refused")
    repository.block("new.example")
    commit = repository.commit(signer)
    done = pull(server)
    assert done.code == NO, done.out + done.err
    assert f"commit {commit}: refused: {why}" in done.out
    status = stays(server, before, "new.example")
    assert (status.result, why in status.problem) == ("refused", True)
    assert server.scrape().value("darban_policy_pulls_total", result="refused") > refused
    [who] = [who for event, who in history(server)[known:] if event == "refused"]
    assert commit in who
    assert why in " ".join(darban("status", at=server.directory).out.split())
    assert _in_force(server) == in_force
    # nor does it come in force beneath a signed one, whatever that shows to its signer
    repository.commit()
    done = pull(server)
    assert done.code == NO, done.out + done.err
    assert f"the oldest of these is commit {commit}: {why}" in done.out
    stays(server, before, "new.example")
    # without it all is good again, and the history of a moment has no gap
    repository.git("reset", "--quiet", "--soft", before)
    repository.commit()
    assert pull(server).code == GOOD
    assert blocks(server, "new.example")


def test_a_list_that_loses_names_needs_a_person_s_word(pulling: SharedPolicy) -> None:
    server, repository = pulling.server, pulling.repository
    repository.block("new.example")
    before = repository.commit()
    assert pull(server).code == GOOD
    repository.block()
    commit = repository.commit()
    done = pull(server)
    assert done.code == NO
    assert f"commit {commit}, signed by noc: refused:" in done.out
    assert "found 1 entry; expected the 2 that were in force last" in done.out
    assert "accept the loss: darban pull --accept." in done.out
    assert blocks(server, "new.example")
    stays(server, before)
    assert pull(server, "--accept").code == GOOD
    stays(server, commit, "new.example")


def test_an_older_state_is_refused(pulling: SharedPolicy) -> None:
    server, repository = pulling.server, pulling.repository
    older = repository.head()
    repository.block("new.example")
    newer = repository.commit()
    assert pull(server).code == GOOD
    repository.git("reset", "--quiet", "--hard", older)
    done = pull(server)
    assert done.code == NO
    assert (
        f"commit {older}: refused: it is older than commit {newer}, which is in force" in done.out
    )
    assert blocks(server, "new.example")
    stays(server, newer)
    repository.block("fork.example")
    repository.commit()
    done = pull(server)
    assert done.code == NO
    assert f"it does not descend from commit {newer}, which is in force" in done.out
    stays(server, newer, "fork.example")


@pytest.mark.parametrize(
    ("config", "code", "why"),
    [
        (CONFIG.replace("@messenger", "@messengers"), WRONG, "@messengers"),
        (CONFIG + "[[", WRONG, "or the name of a table"),
        (CONFIG.replace('["@messenger"]', "[]"), NO, "expectations that do not hold"),
        (CONFIG + '[upstream]\nservers = ["192.0.2.1"]\n', WRONG, "found [upstream]"),
        (CONFIG + TOO_LONG, WRONG, 'expected a moment within "30d", the longest exemption by'),
    ],
    ids=["wrong", "no TOML", "expectation", "not its section", "exemption"],
)
def test_a_commit_that_fails_the_check_is_refused(
    pulling: SharedPolicy, config: str, code: int, why: str
) -> None:
    server, repository = pulling.server, pulling.repository
    before = repository.head()
    repository.write("config.toml", config)
    repository.block("new.example")
    commit = repository.commit()
    done = pull(server)
    assert done.code == code, done.out + done.err
    assert f"commit {commit}, signed by noc: refused:" in done.out
    assert why in done.out
    status = stays(server, before, "new.example")
    assert status.result == "refused"
    assert darban("reload", at=server.directory).code == GOOD
    stays(server, before, "new.example")


def test_too_many_recorded_names_may_not_be_blocked_newly(pulling: SharedPolicy) -> None:
    server, repository = pulling.server, pulling.repository
    before = repository.head()
    names = [f"n{number}.example" for number in range(51)]
    rows = "".join(f"administration\t{name}\tA\t{60 - place}\n" for place, name in enumerate(names))
    header = '# darban record 1 {"began": "2026-11-26T08:00:00Z", "minutes": 1.0, "vlans": []}\n'
    questions = server.state / "questions.tsv"
    questions.write_text(header + rows, encoding="utf-8")
    repository.block(*names)
    repository.commit()
    done = pull(server)
    assert done.code == NO, done.out + done.err
    assert "it blocks 51 recorded names that pass now, more than 50: " in done.out
    assert "n0.example (administration), n1.example (administration)" in done.out
    stays(server, before, *names[:3])
    assert pull(server, "--accept").code == GOOD
    assert all(blocks(server, name) for name in names[:3])
    repository.block(*names, "other.example")
    repository.commit()
    done = pull(server)
    assert done.code == GOOD
    assert "no recorded questions" not in done.out


def test_what_the_server_has_recorded_is_tried(pulling: SharedPolicy) -> None:
    server, repository = pulling.server, pulling.repository
    names = [f"n{number}.example" for number in range(51)]

    def records_all() -> bool:
        """Record what is asked meanwhile; whether it is all names, also on a busy machine."""
        recorded = threading.Event()

        def ask_all() -> None:
            while not recorded.is_set():
                for name in names:
                    ask(server.port, name, client="127.0.10.5")

        asking = threading.Thread(target=ask_all)
        asking.start()
        done = darban("record", "--minutes", "0.03", "--keep", at=server.directory)
        recorded.set()
        asking.join()
        assert done.code == GOOD, done.out + done.err
        rows = (server.state / "questions.tsv").read_text(encoding="utf-8").splitlines()
        return {*names} <= {row.split("\t")[1] for row in rows if "\t" in row}

    for _ in range(2):  # the second replaces the first
        wait_for(records_all, "all names are recorded", seconds=60)
    repository.block(*names)
    repository.commit()
    done = pull(server)
    assert done.code == NO, done.out + done.err
    assert "it blocks 51 recorded names that pass now, more than 50: " in done.out
