"""resolv.conf is written anew after the start, as where the network comes up later or changes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.live.clients import Answer, read, run
from tests.live.commands import darban
from tests.live.configs import small
from tests.live.namespaces import namespaces
from tests.live.nsd import ANY_V4, BIG, nsd
from tests.live.programs import needed
from tests.live.server import Server, servers
from tests.live.waiting import wait_for

LINK_LOCAL = "fe80::53"
_OWN_RESOLV_CONF = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


class Box:
    """A server with a resolv.conf of its own, and a name server on port 53 beside it."""

    def __init__(self, server: Server, inside: list[str], resolv_conf: Path) -> None:
        self.server = server
        self.resolv_conf = resolv_conf
        self._inside = inside

    def ask(self, name: str, rtype: str = "A") -> Answer:
        dig = [*self._inside, str(needed("dig")), "-p", str(self.server.port), "@127.0.0.1"]
        return read(run([*dig, name, rtype, "+tries=1", "+timeout=9"]))


@pytest.fixture
def make_box(
    ip_program: Path, nsd_program: Path, tmp_path: Path
) -> Iterator[Callable[[str, str], Box]]:
    """Starts a server with an upstream, and with a resolv.conf."""
    with namespaces(ip_program) as made, ExitStack() as stack:
        box = made.add("box")
        made.give_link_local(box, "lo", LINK_LOCAL)
        inside = made.into(box)
        here = f"{LINK_LOCAL}%lo"
        stack.enter_context(nsd(nsd_program, tmp_path, 53, inside, more=[here]))
        resolv_conf = tmp_path / "resolv.conf"
        make = stack.enter_context(servers(tmp_path))
        made_boxes = []

        def make_one(upstream: str, text: str) -> Box:
            resolv_conf.write_text(text, encoding="ascii")
            server = make(small([upstream]))
            server.through = [*inside, "sh", "-c", _OWN_RESOLV_CONF, resolv_conf]
            server.expect_error(r"\[upstream\]: no upstream server; resolv.conf names none")
            made_boxes.append(Box(server.start(), inside, resolv_conf))
            return made_boxes[-1]

        yield make_one
        for item in made_boxes:
            assert item.server.stop().code == 0
            item.server.check_log()


def test_a_host_name_is_resolved_by_the_servers_that_resolv_conf_names_now(
    make_box: Callable[[str, str], Box],
) -> None:
    box = make_box("ns.scene", "nameserver 127.0.0.9\n")
    wait_for(lambda: "ns.scene has no address now" in box.server.err, "nobody resolves it")
    box.resolv_conf.write_text("nameserver 127.0.0.1\n", encoding="ascii")
    names = (f"{number}.example" for number in range(1000))
    wait_for(lambda: box.ask(next(names)).data == [ANY_V4], "its address is found", 30)


def test_a_server_that_resolv_conf_names_after_the_start_is_asked(
    make_box: Callable[[str, str], Box],
) -> None:
    box = make_box("system", "")
    names = (f"{number}.example" for number in range(1000))
    assert box.ask(next(names)).status == "SERVFAIL"
    assert box.server.scrape().value("darban_upstream_up", upstream="system") == 0
    told = darban("status", at=box.server.directory).out
    assert "upstream system does not answer" in told
    box.resolv_conf.write_text("nameserver 127.0.0.1\n", encoding="ascii")
    wait_for(lambda: box.ask(next(names)).data == [ANY_V4], "the server is asked")
    asked = {"upstream": "127.0.0.1:53", "result": "answered"}
    wait_for(
        lambda: box.server.scrape().value("darban_upstream_queries_total", **asked) >= 1,
        "it is counted",
    )
    assert [upstream["name"] for upstream in _upstreams(box.server)] == ["127.0.0.1:53"]
    assert box.server.err.count("names other servers, which are asked now: 127.0.0.1:53") == 1


@pytest.mark.parametrize("upstream", ["system", "ns.scene"])
def test_a_name_server_of_resolv_conf_may_have_a_link_local_address(
    make_box: Callable[[str, str], Box], upstream: str
) -> None:
    box = make_box(upstream, f"nameserver fe80::9%gone\nnameserver {LINK_LOCAL}%lo\n")
    names = (f"{number}.example" for number in range(1000))
    wait_for(lambda: box.ask(next(names)).data == [ANY_V4], "it is asked over UDP")
    assert len(box.ask("big.scene", "TXT").data) == BIG, "which takes TCP"


def _upstreams(server: Server) -> list[dict[str, object]]:
    told: list[dict[str, object]] = darban("status", "--json", at=server.directory).json[
        "upstreams"
    ]
    return told
