"""``darban lists`` where no server runs: the command fetches by itself."""

import json

import pytest

from tests.fetch.source_server import Sources
from tests.live.commands import GOOD, NO, WRONG
from tests.live.server import Server
from tests.live.subscribed import PASSES_OPEN, hosts, run


@pytest.fixture
def server(subscribed: Server) -> Server:
    """A server that has not been started, and has fetched nothing."""
    return subscribed


def test_lists_are_shown_and_fetched_without_a_server(server: Server, sources: Sources) -> None:
    done = run(server, "lists", "--json")
    assert done.code == GOOD
    (told,) = done.json["lists"]
    assert (told["list"], told["entries"], told["fetched"]["updated"]) == ("ads", 0, 0)
    sources.says["/ads"] = hosts("a.example", "b.example", "co.uk", "192.0.2.1")
    done = run(server, "lists", "update")
    assert (done.code, done.out) == (GOOD, "ads: updated, 2 names\n")
    (told,) = json.loads(run(server, "lists", "--json").out)["lists"]
    assert told["entries"] == 2
    assert told["skipped"] == {
        "… is a public suffix: its names have many owners": 1,
        "an IP address; a rule has a name": 1,
    }
    shown = run(server, "lists")
    assert shown.code == GOOD
    lines = shown.out.splitlines()
    [ads] = [place for place, line in enumerate(lines) if line.startswith("  ads ")]
    assert lines[ads].split() == ["ads", "2", "2", "0", "h", "ago"]
    assert lines[ads + 1] == f"    {sources.url('/ads')}"
    assert max(map(len, lines)) <= 80
    unknown = run(server, "lists", "update", "nothing")
    assert (unknown.code, unknown.err) == (
        *(WRONG, f"{server.config} fetches no list 'nothing'; it fetches ads\n"),
    )
    sources.says.clear()
    assert run(server, "lists", "update").code == NO
    assert "last error: the server answers 404" in " ".join(run(server, "lists").out.split())
    server.expected.clear()


def test_a_list_that_is_named_twice_is_fetched_once(server: Server, sources: Sources) -> None:
    sources.says["/ads"] = hosts("a.example")
    before = len(sources.asked)
    assert run(server, "lists", "update", "ads", "ads").code == GOOD
    assert len(sources.asked) == before + 1


def test_without_a_server_too_a_list_with_which_an_expectation_fails_is_not_used(
    server: Server, sources: Sources
) -> None:
    sources.says["/ads"] = hosts("a.example")
    assert run(server, "lists", "update").code == GOOD
    with server.config.open("a", encoding="utf-8") as config:
        config.write(PASSES_OPEN)
    sources.says["/ads"] = hosts("a.example", "open.example")
    done = run(server, "lists", "update")
    assert done.code == NO
    assert "ads: held, 1 name: expectations that do not hold:" in done.out
    assert run(server, "check").code == GOOD
