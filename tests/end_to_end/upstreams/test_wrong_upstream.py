"""An upstream that answers, and wrongly: who is told, and who is asked instead."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from dnslib import RR, DNSRecord

from tests.live.clients import ask
from tests.live.commands import darban
from tests.live.configs import small
from tests.live.nsd import ANY_V4
from tests.live.server import Server
from tests.live.waiting import wait_for

_CLIENT = "127.0.20.5"
_ADVERTISING = "192.0.2.7"


@contextmanager
def _server() -> Iterator[str]:
    """A server that gives an address for every name, also for those that do not exist."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as clients:
        clients.bind(("127.0.0.1", 0))

        def answer() -> None:
            while packet := clients.recvfrom(4096):
                if not packet[0]:
                    return
                query = DNSRecord.parse(packet[0])
                reply = query.reply(ra=1)
                reply.add_answer(*RR.fromZone(f"{query.q.qname} 60 A {_ADVERTISING}"))
                clients.sendto(bytes(reply.pack()), packet[1])

        thread = threading.Thread(target=answer)
        thread.start()
        host, port = clients.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            clients.sendto(b"", (host, port))
            thread.join(10)


def test_it_is_told_of_and_another_is_asked(make: Callable[[str], Server], upstream: str) -> None:
    said = "an address for made-up names below abroad.scene"
    with ExitStack() as running:
        wrong = running.enter_context(_server())
        alone = make(small([wrong])).start()
        both = make(small([wrong, upstream])).start()
        for server in (alone, both):
            wait_for(lambda item=server: _ok(item, wrong) == 0, "the probe has found it")
            assert server.scrape().value("darban_upstream_up", upstream=wrong) == 1
            shown = darban("status", at=server.directory).out
            assert f"upstream {wrong} gives {said}, which " in shown
            assert f"upstream {wrong} gives {said}" in server.err
        assert _ok(both, upstream) == 1
        for number in range(20):
            reply = ask(both.port, f"{number}.example", client=_CLIENT)
            assert reply is not None
            assert str(reply.short()) == ANY_V4


def test_a_wildcard_of_a_zone_of_the_network_is_no_rewriting(
    make: Callable[[str], Server], upstream: str
) -> None:
    with _server() as own:
        zone = f'[[forward]]\nzones = ["own.example"]\nservers = ["{own}"]\n'
        server = make(small([upstream], more=zone)).start()
        probed = ("darban_upstream_validates", (("upstream", own),))
        wait_for(lambda: probed in server.scrape().values, "its server is probed")
        assert _ok(server, own) == 1


def _ok(server: Server, upstream: str) -> float:
    return server.scrape().value("darban_upstream_ok", upstream=upstream)
