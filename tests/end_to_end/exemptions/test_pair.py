"""One exemption for a pair: given on one node, in force on both, by the operator's own SSH."""

import datetime as dt
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tests.live.clients import ask
from tests.live.commands import GOOD, NO, NOT_CHECKABLE, UNREACHABLE, WRONG, Done, darban
from tests.live.configs import edited, replaced_once, shipped
from tests.live.nsd import ANY_V4
from tests.live.programs import needed
from tests.live.prometheus import prometheus
from tests.live.reloading import restored
from tests.live.server import DARBAN, Server
from tests.live.ssh_nodes import SshNodes
from tests.live.waiting import wait_for
from tests.watching.expressions import alerts

BY = ("--approver", "رئیس 'Public' Relations; x", "--ticket", "PR-2031")
GIVEN = ("127.0.10.7,fd00:10::7", "telegram", "viber")
NS1, NS2 = NAMES = ("ns1.agency.example", "ns2.agency.example")
TEHRAN = ZoneInfo("Asia/Tehran")
LATER = "it is not done there; to do it later, run there: "


class Pair(NamedTuple):
    """Two servers of one policy, each of which names the other, and their hosts."""

    one: Server
    two: Server
    hosts: SshNodes

    def exempt(self, *arguments: str, of: Server | None = None) -> Done:
        """Give the command on a node, the first by default."""
        return self.run("exempt", *arguments, of=of)

    def run(self, *arguments: str, of: Server | None = None) -> Done:
        """Give a command of darban on a node."""
        return darban(*arguments, at=(of or self.one).directory, PATH=self.hosts.path)

    def run_line(self, line: str) -> Done:
        """Run a line in a shell on the second node, as a person there does."""
        environment = {"PATH": self.hosts.path, "NO_COLOR": "1"}
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.two.directory,
            env=environment,
            capture_output=True,
            text=True,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def hashes(self) -> list[str]:
        """The policy hash of each node."""
        return [str(self.status(server)["policy_hash"]) for server in (self.one, self.two)]

    def status(self, node: Server) -> dict[str, Any]:
        return self.run("status", "--json", of=node).json

    def events(self, node: Server) -> list[str]:
        """What was put in force on a node, the newest last."""
        entries = self.run("history", "--json", of=node).json["entries"]
        return [str(entry["event"]) for entry in entries]

    def data(self) -> list[str]:
        """What each node answers the exempted client."""
        answers = [
            ask(server.port, "web.telegram.org", client="127.0.10.7")
            for server in (self.one, self.two)
        ]
        return [str(answer.rr[0].rdata) for answer in answers if answer]


@pytest.fixture(scope="module")
def nodes(make_lasting: Callable[[str], Server], upstream: str) -> list[Server]:
    made = []
    for name, other in ((NS1, NS2), (NS2, NS1)):
        text = f'{shipped([upstream], workers=1)}\n[pair]\nnodes = ["{other}"]\n'
        named = f'[server]\nidentity = "{name}"\n'
        made.append(make_lasting(replaced_once(text, "[server]\n", named)))
    return made


@pytest.fixture
def pair(nodes: list[Server], tmp_path: Path) -> Iterator[Pair]:
    one, two = nodes
    places = dict(zip(NAMES, (one.directory, two.directory), strict=True))
    with restored(one), restored(two):
        yield Pair(one, two, SshNodes(tmp_path, places))


@pytest.fixture
def up(pair: Pair) -> Iterator[Pair]:
    """The pair, while ssh reaches both hosts."""
    with pair.hosts.up(*NAMES):
        yield pair


def _later(done: Done) -> str:
    """The line to run later, as the command has printed it."""
    [line] = [text for text in done.out.splitlines() if LATER in text]
    return line.partition(LATER)[2]


def test_it_is_given_extended_and_ended_on_both(up: Pair) -> None:
    pair, begun = up, [len(up.events(server)) for server in (up.one, up.two)]
    before = pair.hashes()
    assert before[0] == before[1]
    given = pair.exempt(*GIVEN, "--for", "2h", *BY)
    assert given.code == GOOD, given.out + given.err
    assert f"{NS2}: config.toml: exemption pr-2031 is written: telegram, viber" in given.out
    assert f"{NS2}: config.toml: in force, snapshot" in given.out
    assert pair.data() == [ANY_V4, ANY_V4]
    first, second = (pair.status(server)["exemptions"] for server in (pair.one, pair.two))
    assert first == second
    assert first[0]["approver"] == BY[1]
    assert first[0]["until"] % 60 == 0
    hashes = pair.hashes()
    assert hashes[0] == hashes[1] != before[0]

    longer = pair.exempt("--extend", "pr-2031", "--for", "3d", "--reason", "the fair")
    assert longer.code == GOOD, longer.out + longer.err
    assert pair.hashes()[0] == pair.hashes()[1] != hashes[0]
    assert pair.status(pair.one)["exemptions"] == pair.status(pair.two)["exemptions"]

    ended = pair.exempt("--end", "pr-2031", of=pair.two)
    assert ended.code == GOOD, ended.out + ended.err
    assert pair.hashes() == before
    assert pair.data() == ["0.0.0.0", "0.0.0.0"]
    # neither has asked the other again
    for node, known in zip((pair.one, pair.two), begun, strict=True):
        assert pair.events(node)[known:] == ["exempt", "exempt --extend", "exempt --end"]


def test_it_is_given_while_the_other_is_down(pair: Pair) -> None:
    with pair.hosts.up(NS1):
        given = pair.exempt(*GIVEN, "--for", "2h", *BY)
        assert given.code == UNREACHABLE
        assert "config.toml: in force, snapshot" in given.out
        assert "Connection refused" in given.out
        longer = pair.exempt("--extend", "pr-2031", "--for", "5h")
        assert longer.code == UNREACHABLE
        asked = pair.run("status", "--pair")
        assert asked.code == UNREACHABLE
        assert f"{NS2}: could not be asked" in asked.out
    assert pair.data() == [ANY_V4, "0.0.0.0"]
    with pair.hosts.up(*NAMES):
        asked = pair.run("status", "--pair")
        assert asked.code == NO
        assert f"{NS2}: exemption pr-2031: telegram, viber for " in asked.out
        assert asked.out.splitlines()[0].endswith(": not there")
        assert ": not here" in pair.run("status", "--pair", of=pair.two).out
        for line in (_later(given), _later(longer)):
            done = pair.run_line(line)
            assert done.code == GOOD, done.out + done.err
        assert pair.data() == [ANY_V4, ANY_V4]
        asked = pair.run("status", "--pair")
        assert (asked.code, asked.out) == (GOOD, f"{NS2}: policy {pair.hashes()[0]}, as here\n")
        assert pair.run("status", "--pair", of=pair.two).code == GOOD


def test_what_is_given_twice_is_there_once(up: Pair) -> None:
    pair = up
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)).isoformat()
    again = (*GIVEN, "--until", until, "--id", "fair", *BY)
    assert pair.exempt("--here", *again).code == GOOD
    done = pair.exempt(*again)
    assert done.code == GOOD, done.out + done.err
    assert "config.toml: exemption fair: telegram, viber for " in done.out.splitlines()[0]
    assert done.out.splitlines()[0].endswith(": the config has it already")
    assert f"{NS2}: config.toml: exemption fair is written" in done.out
    text = pair.two.config.read_text(encoding="utf-8")
    swapped = ("fd00:10::7,127.0.10.7", "viber", "telegram", *again[3:])
    done = pair.exempt(*swapped)
    assert (done.code, done.out.count("the config has it already")) == (GOOD, 2), (
        done.out + done.err
    )
    assert pair.two.config.read_text(encoding="utf-8") == text
    assert pair.exempt("--extend", "fair", "--until", until).out.count("nothing to change") == 2

    other = pair.exempt(*GIVEN[:2], "--until", until, "--id", "fair", *BY)
    assert (other.code, other.out) == (WRONG, "")
    assert "there is already an exemption fair: telegram, viber for " in other.err
    assert pair.two.config.read_text(encoding="utf-8") == text


def test_a_node_that_has_the_same_by_another_id_takes_it_as_done(up: Pair) -> None:
    pair = up
    until = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)).isoformat()
    given = (*GIVEN, "--until", until, *BY)
    assert pair.exempt("--here", *given, "--id", "fair", of=pair.two).code == GOOD
    text = pair.two.config.read_text(encoding="utf-8")
    done = pair.exempt(*given)
    assert done.code == GOOD, done.out + done.err
    assert "config.toml: exemption pr-2031 is written" in done.out
    assert f"{NS2}: config.toml: exemption fair: telegram, viber for " in done.out
    assert done.out.endswith(": the config has it already\n")
    assert pair.two.config.read_text(encoding="utf-8") == text


def test_what_the_other_refuses_is_said_with_the_line_to_run(up: Pair) -> None:
    pair = up
    assert pair.exempt("--here", *GIVEN, "--for", "2h", *BY, of=pair.two).code == GOOD
    done = pair.exempt("127.0.10.8", "signal", "--for", "2h", *BY)
    assert done.code == WRONG
    assert f"{NS2}: there is already an exemption pr-2031: " in done.out
    assert "exempt --here 127.0.10.8/32 signal --id pr-2031 --until " in _later(done)
    asked = pair.run("status", "--pair")
    assert asked.code == NO
    assert f"{NS2}: exemption pr-2031 differs in: prefixes, services" in asked.out
    asked = pair.run("status", "--pair", "--json")
    assert asked.code == NO
    [node] = asked.json["nodes"]
    assert (node["node"], node["policy_hash"]) == (NS2, pair.hashes()[1])
    [differs] = node["differences"]
    assert differs["exemption"] == "pr-2031"
    assert differs["there"]["services"] == ["telegram", "viber"]
    # what is wrong here is not tried there
    known = pair.events(pair.two)
    assert pair.exempt("127.0.10.7", "telegrm", "--for", "2h", *BY).code == WRONG
    assert pair.events(pair.two) == known


def test_an_exemption_that_the_other_never_had_is_ended(pair: Pair) -> None:
    with pair.hosts.up(NS1):
        assert pair.exempt(*GIVEN, "--for", "2h", *BY).code == UNREACHABLE
        ended = pair.exempt("--end", "pr-2031", "--json")
    assert ended.code == UNREACHABLE
    [there] = ended.json["pair"]
    assert (there["node"], there["code"]) == (NS2, UNREACHABLE)
    assert shlex.split(there["command"]) == ["darban", "exempt", "--here", "--end", "pr-2031"]
    done = pair.run_line(there["command"])
    assert done.code == GOOD, done.err
    assert "there is no exemption 'pr-2031'; nothing to end" in done.out
    assert pair.hashes()[0] == pair.hashes()[1]


def test_prometheus_names_the_exemption_that_one_node_lacks(pair: Pair, tmp_path: Path) -> None:
    [drift] = [alert["expr"] for alert in alerts() if alert["alert"] == "DarbanPolicyDrift"]
    given = (*GIVEN, "--for", "2h", "--id", "fair", *BY)
    ports = pair.one.metrics_port, pair.two.metrics_port
    (tmp_path / "prometheus").mkdir()
    with (
        prometheus(needed("prometheus"), tmp_path / "prometheus", *ports) as served,
        pair.hosts.up(*NAMES),
    ):
        assert not served.vector(drift)
        assert pair.exempt("--here", *given).code == GOOD
        found = wait_for(
            lambda: [labels for labels in served.vector(drift) if "exemption" in dict(labels)],
            "it is found",
        )
        assert [dict(labels)["exemption"] for labels in found] == ["fair"]
        ended = pair.exempt("--end", "fair")
        assert ended.code == GOOD, ended.out + ended.err
        wait_for(lambda: not served.vector(drift), "it is over")


def test_a_server_that_does_not_run_has_it_from_its_start(up: Pair) -> None:
    pair = up
    assert pair.two.stop().code == 0
    given = pair.exempt(*GIVEN, "--for", "2h", *BY)
    assert given.code == GOOD, given.out + given.err
    assert f"{NS2}: no server runs; this will be in force when one is started" in given.out
    asked = pair.run("status", "--pair")
    assert (asked.code, f"{NS2}: could not be asked" in asked.out) == (UNREACHABLE, True)
    pair.two.start()
    assert pair.run("status", "--pair").code == GOOD
    assert pair.data() == [ANY_V4, ANY_V4]


def test_nodes_with_two_releases_are_not_said_to_differ(up: Pair) -> None:
    """While one node is upgraded and the other is not, their hashes say nothing of each other."""
    older = """sed 's/"policy_hash": "4:/"policy_hash": "3:/'"""
    with up.hosts.program("darban", f'{DARBAN} "$@" | {older}'):
        asked = up.run("status", "--pair")
        assert up.exempt("--here", *GIVEN, "--for", "2h", *BY).code == GOOD
        differ = up.run("status", "--pair")
    not_comparable = (
        f"{NS2}: policy not comparable, versions 3 and 4: upgrade both nodes to one release"
    )
    assert (asked.code, asked.out) == (NOT_CHECKABLE, f"{not_comparable}\n")
    first, *rest = differ.out.splitlines()
    assert (differ.code, first.endswith(": not there"), rest) == (NO, True, [not_comparable])


def test_another_policy_is_told_from_other_exemptions(up: Pair) -> None:
    pair = up
    edited(pair.two.config, 'contact = "noc@', 'contact = "other@')
    assert pair.run("reload", of=pair.two).code == GOOD
    asked = pair.run("status", "--pair")
    here, there = pair.hashes()
    assert (asked.code, here != there) == (NO, True)
    assert asked.out.splitlines() == [
        f"{NS2}: policy {there}, and {here} here",
        f"{NS2}: the exemptions are the same: 'darban diff' shows what differs between configs",
    ]


def test_without_ssh_it_is_in_force_here_and_said(pair: Pair) -> None:
    place = pair.one.directory
    done = darban("exempt", *GIVEN, "--for", "2h", *BY, at=place, PATH=str(place))
    assert done.code == UNREACHABLE
    assert f"{NS2}: ssh reaches the other nodes; install openssh-client" in done.out
    assert pair.data() == [ANY_V4, "0.0.0.0"]


def test_the_certificate_of_the_month_has_both_nodes_with_one_policy(up: Pair) -> None:
    """What is recorded of the minute in which a server stops: the policy hash at its end.

    A report ends with a whole second: in the first second of a minute, it lacks that minute.
    """
    pair = up
    assert pair.exempt(*GIVEN, "--for", "2h", *BY).code == GOOD
    [policy] = set(pair.hashes())
    assert (pair.one.stop().code, pair.two.stop().code) == (0, 0)
    wait_for(lambda: time.time() % 60 > 1, "the first second of the minute is over")
    today = dt.datetime.now(TEHRAN).date()
    period = ("report", "--from", f"{today - dt.timedelta(days=1)}", "--to", f"{today}")
    figures = str(pair.one.directory / "two.figures")
    exported = pair.run(*period, "--export", figures, of=pair.two)
    assert exported.code == GOOD, exported.err
    report = pair.run(*period, "--merge", figures, "--json")
    assert report.code == GOOD, report.err
    last = [
        (
            node["node"],
            [interval["policy"] for interval in node["intervals"] if interval["policy"]][-1],
        )
        for node in report.json["nodes"]
    ]
    assert last == [(NS1, policy), (NS2, policy)]


def test_without_other_nodes_there_is_nothing_to_compare(
    make_shipped: Callable[..., Server],
) -> None:
    done = darban("status", "--pair", at=make_shipped(workers=1).directory)
    assert (done.code, done.err) == (WRONG, "config.toml: [pair] nodes names no other node\n")
