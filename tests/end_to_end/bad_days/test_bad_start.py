"""A server that cannot start says why and what to do, in a line, and leaves nothing behind."""

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.clients import ask
from tests.live.configs import edited, small
from tests.live.namespaces import drop_capability, namespaces
from tests.live.ports import free_port, is_free
from tests.live.programs import needed
from tests.live.server import DARBAN, Ended, Server
from tests.live.waiting import wait_for

SILENT = "127.0.0.1:9"
"""An upstream for servers that never get to ask it."""

MakeSmall = Callable[..., Server]

KINDS = {"UDP": socket.SOCK_DGRAM, "TCP": socket.SOCK_STREAM}

WRONG = """
[server]
listen = ["127.0.0.1"]
workers = -1
[upstream]
servers = ["127.0.0.1:{port}"]
[lists]
directories = []
[policies.administrative]
blocks = ["@messenger"]
answer = "sinkhol"
[vlans.administration]
prefixes = ["10.10.3.7/16"]
policy = "administrativ"
"""


@pytest.fixture(scope="module")
def lasting(make_lasting: Callable[[str], Server], upstream: str) -> Server:
    return make_lasting(small([upstream]))


def _refused(server: Server) -> Ended:
    """Launch a server that must not start: it exits, without a traceback."""
    server.launch()
    ended = server.ended()
    assert "Traceback" not in ended.err, ended.err
    assert "listening" not in ended.out
    return ended


def _one_line(ended: Ended, *parts: str) -> None:
    """One line of what it says has all these parts; one more may say what it is about."""
    assert ended.code == 2, ended.err
    lines = ended.err.strip().splitlines()
    assert any(all(part in line for part in parts) for line in lines), ended.err
    assert len(lines) <= 2, ended.err


def test_every_problem_is_told_at_once(make: Callable[[str], Server]) -> None:
    port = free_port()
    server = make(WRONG.format(port=port))
    ended = _refused(server)
    assert ended.code == 2
    lines = [line for line in ended.err.splitlines() if line.startswith(str(server.config))]
    for part in (
        "server.listen[0]",
        "server.workers",
        'Did you mean "block"?',
        'Did you mean "sinkhole"?',
        '"10.10.0.0/16"',
        'Did you mean "administrative"?',
    ):
        assert any(part in line for line in lines), f"{part} is not in\n{ended.err}"
    assert not server.workers()


def test_nothing_listens_after_an_error(make_small: MakeSmall) -> None:
    server = make_small(SILENT, more='[vlans.third]\nprefixes = []\npolicy = "none"')
    assert _refused(server).code == 2
    assert is_free(server.port)
    assert is_free(server.metrics_port)
    assert not (server.state / "control.sock").exists()


def test_toml_that_is_none(make: Callable[[str], Server]) -> None:
    _one_line(_refused(make("[server\n")), "config.toml:1")


def test_an_expectation_that_does_not_hold(make_small: MakeSmall) -> None:
    expect = '[[expect]]\nclient = "127.0.20.5"\nname = "web.telegram.org"\noutcome = "blocked"'
    server = make_small(SILENT, more=expect)
    ended = _refused(server)
    assert ended.code == 1
    assert "expected blocked, got passed" in ended.err
    assert "config.toml:" in ended.err
    assert is_free(server.port)


@contextmanager
def _holding(port: int, kind: str, *, shared: bool = False) -> Iterator[None]:
    """Another program on 127.0.0.1."""
    with socket.socket(socket.AF_INET, KINDS[kind]) as held:
        if shared:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", port))
        if kind == "TCP":
            held.listen()
        yield


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "sharing"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_port_that_another_program_has(make_small: MakeSmall, kind: str, *, shared: bool) -> None:
    server = make_small(SILENT)
    with _holding(server.port, kind, shared=shared):
        ended = _refused(server)
    where = f"127.0.0.1:{server.port}"
    _one_line(ended, where, "another program listens there", f"ss -lntup 'sport = :{server.port}'")
    assert is_free(server.port)


def test_a_second_instance(server: Server, make: Callable[[str], Server]) -> None:
    second = make(server.config.read_text(encoding="utf-8"))
    _one_line(_refused(second), f"127.0.0.1:{server.port}", "another program listens there")
    assert _still_answers(server)


@pytest.mark.parametrize("other", [False, True], ids=["its config", "another config"])
def test_a_second_instance_of_the_same_state(
    server: Server, make_small: MakeSmall, *, other: bool
) -> None:
    """The first one keeps its control socket."""
    state = server.state
    second = make_small() if other else Server(server.config)
    second.environment = {"STATE_DIRECTORY": str(state)}
    second.launch()
    ended = second.ended()
    assert ended.code == 2
    assert f"{state}: another darban runs with this" in ended.err
    assert (server.state / "control.sock").is_socket()
    assert _still_answers(server)


def test_no_other_user_can_prevent_a_start(server: Server) -> None:
    """Neither by a name that anybody may take, nor by the lock."""
    lock = server.state / "lock"
    assert lock.stat().st_mode & 0o777 == 0o600
    server.stop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as taken:
        taken.bind(f"\0darban 127.0.0.1:{server.port}")
        server.start()
    assert _still_answers(server)


def test_a_lock_of_a_killed_server_is_free(server: Server) -> None:
    os.kill(server.pid, signal.SIGKILL)
    assert server.ended().code == -signal.SIGKILL
    assert _still_answers(server.start())


def test_a_second_instance_on_every_address(server: Server, make: Callable[[str], Server]) -> None:
    text = server.config.read_text(encoding="utf-8")
    text = re.sub("listen = .*", f'listen = ["0.0.0.0:{server.port}"]', text, count=1)
    _one_line(_refused(make(text)), f"0.0.0.0:{server.port}", "another program listens there")
    assert _still_answers(server)


def test_no_config(tmp_path: Path) -> None:
    server = Server(tmp_path / "config.toml")
    ended = _refused(server)
    _one_line(ended, str(server.config))
    assert "o such file" in ended.err


def test_a_config_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    _one_line(_refused(Server(tmp_path / "config.toml")), "config.toml", "irectory")


def test_an_unknown_option(make_small: MakeSmall) -> None:
    server = make_small(SILENT)
    server.program = [DARBAN]
    server.options = ["--confg", "x"]
    ended = _refused(server)
    assert ended.code == 2
    assert "usage: darban run" in ended.err


def test_port_53_without_the_right_to_it(
    make_small: MakeSmall,
    ip_program: Path,
) -> None:
    setpriv = needed("setpriv")
    server = make_small(SILENT)
    text = server.config.read_text(encoding="utf-8").replace(f":{server.port}", ":53")
    server.config.write_text(text, encoding="utf-8")
    with namespaces(ip_program) as made:  # there, ports below 1024 are protected for certain
        inside = made.into(made.add("bare"))
        server.through = [*inside, *drop_capability(setpriv, "net_bind_service")]
        ended = _refused(server)
    _one_line(ended, "127.0.0.1:53", "CAP_NET_BIND_SERVICE", "5300")


def test_an_address_that_this_host_has_not(make_small: MakeSmall) -> None:
    server = make_small(SILENT)
    text = server.config.read_text(encoding="utf-8").replace("[::1]:", "192.0.2.1:")
    server.config.write_text(text, encoding="utf-8")
    _one_line(_refused(server), f"192.0.2.1:{server.port}", "no such address", "ip address")
    assert is_free(server.port)


@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["read only", "closed"])
def test_a_state_directory_that_cannot_be_written_to(make_small: MakeSmall, mode: int) -> None:
    server = make_small(SILENT)
    state = server.state
    state.mkdir()
    state.chmod(mode)
    setpriv = needed("setpriv")
    server.through = drop_capability(setpriv, "dac_override", "dac_read_search")
    ended = _refused(server)
    state.chmod(0o755)
    _one_line(ended, str(state), "cannot be written to", "STATE_DIRECTORY")


def test_a_stop_though_the_state_directory_cannot_be_written_to(make_small: MakeSmall) -> None:
    server = make_small()
    server.expect_error("the (audit log|figures) cannot be written")
    setpriv = needed("setpriv")
    server.through = drop_capability(setpriv, "dac_override", "dac_read_search")
    server.start()
    (server.state / "journal.jsonl").chmod(0o444)
    server.state.chmod(0o555)
    ended = server.stop()
    server.state.chmod(0o755)
    assert ended.code == 0
    assert "Traceback" not in ended.err


def test_a_directory_of_lists_that_is_closed(make_small: MakeSmall) -> None:
    """Its names would pass."""
    server = make_small(SILENT)
    edited(server.config, "directories = []", 'directories = ["own"]')
    own = server.directory / "own"
    own.mkdir()
    (own / "pager.txt").write_text("! Category: messenger\n||pager.example^\n")
    own.chmod(0)
    server.through = drop_capability(needed("setpriv"), "dac_override", "dac_read_search")
    ended = _refused(server)
    own.chmod(0o755)
    assert ended.code == 2
    said = "lists.directories[0]: found own; expected a directory of lists."
    assert f"{said} {own} cannot be read: Permission denied." in ended.err


@pytest.mark.parametrize(
    "pattern",
    ["vlans.d/a/*.toml", "vlans.d/*/*.toml", "vlans.d/**/*.toml", "vlans.d/a/finance.toml"],
)
def test_a_directory_of_includes_that_is_closed(make_small: MakeSmall, pattern: str) -> None:
    """A VLAN that a wider prefix holds would get the policy of that."""
    server = make_small(SILENT)
    text = server.config.read_text(encoding="utf-8")
    server.config.write_text(f'include = ["{pattern}"]\n{text}', encoding="utf-8")
    more = server.directory / "vlans.d" / "a"
    more.mkdir(parents=True)
    (more.parent / "open").mkdir()
    (more.parent / "open" / "empty.toml").write_text("")
    (more / "finance.toml").write_text(
        '[vlans.finance]\nprefixes = ["127.0.30.0/24"]\npolicy = "administrative"\n'
    )
    more.chmod(0)
    server.through = drop_capability(needed("setpriv"), "dac_override", "dac_read_search")
    ended = _refused(server)
    more.chmod(0o755)
    assert ended.code == 2
    assert f'config.toml:1: include[0]: found "{pattern}"; expected' in ended.err
    assert f"{more}" in ended.err
    assert "cannot be read: Permission denied." in ended.err


def test_a_state_directory_that_is_a_file(make_small: MakeSmall) -> None:
    server = make_small(SILENT)
    server.state.write_text("", encoding="utf-8")
    ended = _refused(server)
    _one_line(ended, str(server.state), "STATE_DIRECTORY")


def _make_unreadable(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "harm", [Path.unlink, lambda path: path.write_bytes(b"harmed"), _make_unreadable]
)
def test_a_snapshot_that_was_harmed_is_written_anew(
    server: Server, harm: Callable[[Path], object]
) -> None:
    assert server.stop().code == 0
    files = list((server.state / "snapshots").glob("*/*.*"))
    assert len(files) == 4
    for path in files:
        harm(path)
    server.start()
    assert _still_answers(server)


@pytest.mark.parametrize("what", ["the port", "the address"])
def test_metrics_that_cannot_be_served_leave_dns_alone(make_small: MakeSmall, what: str) -> None:
    server = make_small()
    server.expect_error("metrics cannot be served")
    if what == "the address":
        text = server.config.read_text(encoding="utf-8")
        text = text.replace(f"127.0.0.1:{server.metrics_port}", f"192.0.2.1:{server.metrics_port}")
        server.config.write_text(text, encoding="utf-8")
    with _holding(server.metrics_port, "TCP"):
        server.start()
        wait_for(lambda: "metrics cannot be served there" in server.err, "it says so")
        assert _still_answers(server)
        assert server.stop().code == 0


def _still_answers(server: Server) -> bool:
    reply = ask(server.port, "web.telegram.org", client="127.0.10.5")
    return reply is not None and str(reply.rr[0].rdata) == "0.0.0.0"
