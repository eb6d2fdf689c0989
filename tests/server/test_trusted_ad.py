"""A worker passes on the AD of an upstream server alone whose AD is trusted."""

import asyncio
from pathlib import Path

import pytest
from dnslib import DNSRecord

from resolver.transport.loop import Loop
from resolver.upstream.server_address import ServerAddress
from tests.server.served import Served
from tests.upstream.forwarding import Upstream, good


def _validated(query: DNSRecord) -> bytes:
    response = DNSRecord.parse(good(query))
    response.header.ad = 1
    return bytes(response.pack())


@pytest.mark.parametrize("is_trusted", [True, False])
def test_ad_is_passed_on_where_it_is_trusted(tmp_path: Path, is_trusted: bool) -> None:
    async def play() -> None:
        loop = runner.get_loop()
        assert isinstance(loop, Loop)
        upstream = Upstream(loop, _validated)
        address, port = upstream.socket.getsockname()
        server = ServerAddress(
            name="upstream",
            address=address,
            port=port,
            ad_trusted=is_trusted,
            source_address="",
            wrong=False,
            tls_name="",
            authorities="",
        )
        served = Served(loop, tmp_path, [server])
        await served.start()
        reply = await served.ask("www.example.")
        assert (str(reply.short()), bool(reply.header.ad)) == ("192.0.2.1", is_trusted)
        await served.stop()
        upstream.close()

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(play())
