"""What is fetched, and from where: redirections, checksums, marks, names looked up."""

import asyncio
import ctypes
import gzip
import os
import socket
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dnslib import QTYPE, RR, A, DNSRecord

from resolver.fetch.update import update_lists
from resolver.fetch.update_job import UpdateJob, UpdateResult
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.policy.settings import Endpoint, Subscription
from resolver.snapshot.list_store import ListRecord, ListStore
from tests.fetch.source_server import (
    Authority,
    Sources,
    chunked,
    response,
    serving,
    zipped,
)

pytestmark = pytest.mark.processes

NOBODY = [Endpoint("127.0.0.1", 1)]
LIST = b"".join(b"0.0.0.0 n%d.example\n" % number for number in range(10))


class Fetching:
    """One list of one server, fetched as often as a test says."""

    def __init__(self, sources: Sources, store: ListStore) -> None:
        self.sources = sources
        self.store = store

    async def __call__(
        self,
        path: str = "/list",
        kind: str = "hosts",
        url: str = "",
        servers: list[Endpoint] = NOBODY,
        accept: bool = False,
    ) -> UpdateResult:
        job = UpdateJob(["it"])
        wanted = Subscription("it", url or self.sources.url(path), kind)
        await update_lists(job, [wanted], self.store, servers, accept=accept)
        return job.results["it"]

    @property
    def record(self) -> ListRecord:
        return self.store.record("it")


def _with(
    trusted: Authority | None,
    place: Path,
    test: Callable[[Fetching], Awaitable[None]],
    address: str = "127.0.0.1",
) -> None:
    async def run() -> None:
        async with serving(trusted, address) as sources:
            await test(Fetching(sources, ListStore(place)))

    asyncio.run(run())


GOOD = {"as it is": response(LIST), "packed": zipped(LIST), "in chunks": chunked(LIST)}


@pytest.mark.parametrize("how", GOOD)
def test_a_list_is_kept_as_it_came(how: str, trusted: Authority, tmp_path: Path) -> None:
    async def once(fetching: Fetching) -> None:
        fetching.sources.says["/list"] = GOOD[how]
        assert await fetching() == UpdateResult("updated", 10)
        assert next(fetching.store.copies("it")).content == LIST
        assert await fetching() == UpdateResult("unchanged", 10)

    _with(trusted, tmp_path, once)


def test_a_source_is_asked_only_for_what_is_new(trusted: Authority, tmp_path: Path) -> None:
    async def again(fetching: Fetching) -> None:
        marks = {"ETag": '"one"', "Last-Modified": "Wed, 25 Nov 2026 00:00:00 GMT"}
        says, asked = fetching.sources.says, fetching.sources.asked
        says["/list"] = response(LIST, **marks)
        await fetching()
        assert "if-none-match" not in asked[-1][1]
        says["/list"] = response(b"", status="304 Not Modified", Content_Length="")
        assert await fetching() == UpdateResult("unchanged", 10)
        headers = asked[-1][1]
        assert headers["if-none-match"] == '"one"'
        assert headers["if-modified-since"] == marks["Last-Modified"].lower()
        says["/other"] = says["/list"]
        assert (await fetching("/other")).result == "failed"
        assert "if-none-match" not in asked[-1][1], "another address is another list"
        assert (await fetching(kind="plain")).result == "failed"
        assert "if-none-match" not in asked[-1][1], "it has to be judged as another format"
        (fetching.store.directory / "it.list").write_bytes(b"harmed")
        await fetching()
        assert "if-none-match" not in asked[-1][1], "the copy is not what was fetched"

    _with(trusted, tmp_path, again)


def _names(first: int, last: int) -> bytes:
    return b"".join(b"0.0.0.0 n%03d.example\n" % number for number in range(first, last))


def test_a_list_that_changes_a_lot_is_held(trusted: Authority, tmp_path: Path) -> None:
    async def changing(fetching: Fetching) -> None:
        says = fetching.sources.says
        says["/list"] = response(_names(0, 10), ETag='"ten"')
        await fetching()
        for content, told in (
            (_names(5, 12), "7 names instead of 10: 2 come, 5 go"),
            (_names(0, 211), "211 names instead of 10: 201 come, 0 go"),
        ):
            says["/list"] = response(content, ETag='"other"')
            before = fetching.record
            held = await fetching()
            assert (held.result, held.entries, held.reason) == ("held", 10, told)
            record = fetching.record
            assert record.held == held.held
            assert (record.failures, record.error) == (0, "")
            assert (record.updated, record.etag, record.entries) == (before.updated, '"ten"', 10)
            assert next(fetching.store.copies("it")).content == _names(0, 10)
        says["/list"] = response(_names(0, 12))
        assert await fetching() == UpdateResult("updated", 12)
        assert fetching.record.held is None
        says["/list"] = response(_names(0, 211))
        assert await fetching(accept=True) == UpdateResult("updated", 211)
        assert next(fetching.store.copies("it")).content == _names(0, 211)

    _with(trusted, tmp_path, changing)


def test_a_list_that_is_as_it_was_is_held_no_more(trusted: Authority, tmp_path: Path) -> None:
    async def back(fetching: Fetching) -> None:
        says = fetching.sources.says
        for content, result in ((LIST, "updated"), (_names(0, 2), "held"), (LIST, "unchanged")):
            says["/list"] = response(content)
            assert (await fetching()).result == result
        assert fetching.record.held is None

    _with(trusted, tmp_path, back)


def test_a_list_of_another_source_is_held_as_well(trusted: Authority, tmp_path: Path) -> None:
    async def other(fetching: Fetching) -> None:
        fetching.sources.says["/list"] = response(LIST)
        await fetching()
        fetching.sources.says["/other"] = response(_names(0, 2))
        assert (await fetching("/other")).result == "held"
        assert next(fetching.store.copies("it")).content == LIST

    _with(trusted, tmp_path, other)


def test_where_a_list_is_redirected_to(trusted: Authority, tmp_path: Path) -> None:
    async def sent_on(fetching: Fetching) -> None:
        says, url = fetching.sources.says, fetching.sources.url
        says["/end"] = response(LIST)
        for number in range(6):
            onward = url(f"/{number + 1}" if number < 5 else "/end")
            says[f"/{number}"] = response(b"", status="302 Found", Location=onward)
        assert (await fetching("/0")).reason == "it was redirected more than 5 times"
        assert await fetching("/1") == UpdateResult("updated", 10)
        says["/2"] = response(b"", status="301 Moved Permanently", Location="/end")
        assert await fetching("/1") == UpdateResult("unchanged", 10)

    _with(trusted, tmp_path, sent_on)


PUBLIC = "192.88.99.1"
"""An address that no network uses any more (RFC 7526)."""


@pytest.fixture
def public_address(ip_program: Path) -> Iterator[str]:
    """A public address in a network namespace of the test's own, in which this thread is."""
    ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(0x40000000) == 0, os.strerror(ctypes.get_errno())
    try:
        for words in (["link", "set", "lo", "up"], ["address", "add", PUBLIC, "dev", "lo"]):
            subprocess.run([ip_program, *words], check=True)
        yield PUBLIC
    finally:
        assert libc.setns(ours, 0) == 0
        os.close(ours)


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1:{port}/end",
        "https://[::ffff:127.0.0.1]:{port}/end",
        "https://lists.test:{port}/end",
    ],
)
def test_no_redirect_leads_from_a_public_address_into_this_network(
    location: str, public_address: str, trusted: Authority, tmp_path: Path
) -> None:
    async def led_in(fetching: Fetching) -> None:
        says, port = fetching.sources.says, fetching.sources.port
        says["/end"] = response(LIST)
        says["/list"] = response(b"", status="302 Found", Location=location.format(port=port))
        url = f"https://{public_address}:{port}/list"
        with name_server() as servers:
            reason = (await fetching(url=url, servers=servers)).reason
        assert "a redirect from a public address to" in reason
        assert reason.endswith(" is not followed")
        assert [path for path, _ in fetching.sources.asked] == ["/list"]
        says["/list"] = response(b"", status="302 Found", Location=f"https://{PUBLIC}:{port}/end")
        assert await fetching(url=url) == UpdateResult("updated", 10)

    _with(trusted, tmp_path, led_in, "0.0.0.0")


def test_a_server_on_this_host_needs_no_certificate(tmp_path: Path) -> None:
    async def plainly(fetching: Fetching) -> None:
        fetching.sources.says["/list"] = response(LIST)
        assert await fetching() == UpdateResult("updated", 10)

    _with(None, tmp_path, plainly)


def test_a_bomb_is_given_up_before_it_fills_anything(trusted: Authority, tmp_path: Path) -> None:
    async def bomb(fetching: Fetching) -> None:
        bomb = gzip.compress(b"0" * (MAX_LIST_BYTES * 4))
        fetching.sources.says["/list"] = response(bomb, Content_Encoding="gzip")
        assert "larger than 64 MiB when it is decompressed" in (await fetching()).reason

    _with(trusted, tmp_path, bomb)
    assert [path.name for path in (tmp_path / "lists").iterdir()] == ["it.json"]


def test_a_host_is_looked_up_at_the_bootstrap_servers(trusted: Authority, tmp_path: Path) -> None:
    async def by_name(fetching: Fetching) -> None:
        fetching.sources.says["/list"] = response(LIST)
        url = f"https://lists.test:{fetching.sources.port}/list"
        with name_server() as servers:
            assert await fetching(url=url, servers=servers) == UpdateResult("updated", 10)
        assert (await fetching(url=url)).reason == "the host 'lists.test' has no address now"
        assert next(fetching.store.copies("it")).content == LIST

    _with(trusted, tmp_path, by_name)


@contextmanager
def name_server() -> Iterator[list[Endpoint]]:
    """A name server that knows one host."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))

        def answer() -> None:
            while True:
                packet, peer = datagrams.recvfrom(4096)
                if not packet:
                    return
                query = DNSRecord.parse(packet)
                reply = query.reply()
                if query.q.qtype == QTYPE.A and str(query.q.qname) == "lists.test.":
                    reply.add_answer(RR(query.q.qname, rdata=A("127.0.0.1"), ttl=1))
                datagrams.sendto(reply.pack(), peer)

        thread = threading.Thread(target=answer)
        thread.start()
        yield [Endpoint("127.0.0.1", datagrams.getsockname()[1])]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", datagrams.getsockname())
        thread.join(5)


def test_a_host_where_nothing_can_be_looked_up_is_told(trusted: Authority, tmp_path: Path) -> None:
    async def unusable(fetching: Fetching) -> None:
        fetching.sources.says["/list"] = response(LIST)
        await fetching()
        result = await fetching(servers=[Endpoint("no address", 53)])
        assert (result.result, result.entries) == ("failed", 10)
        assert result.reason.startswith("nothing can be fetched on this host: AresError: ")
        assert (fetching.record.failures, fetching.record.error) == (1, result.reason)
        assert await fetching() == UpdateResult("unchanged", 10)

    _with(trusted, tmp_path, unusable)


def test_a_full_disk_is_told_and_changes_nothing(trusted: Authority, tmp_path: Path) -> None:
    async def no_room(fetching: Fetching) -> None:
        fetching.sources.says["/list"] = response(LIST)
        await fetching()
        fetching.store.directory = tmp_path / "a file"
        fetching.store.directory.write_text("in the way")
        assert "the state directory cannot be written to" in (await fetching()).reason

    _with(trusted, tmp_path, no_room)
    assert next(ListStore(tmp_path).copies("it")).content == LIST
