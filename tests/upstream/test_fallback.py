"""A cut link abroad: what the forwarder asks the fallback servers, and what it keeps of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from dnslib import RCODE, RR, DNSRecord

from resolver.exchange.fallback import GROUP, MOST_TTL
from resolver.exchange.servers import Group
from resolver.transport.loop import Loop
from tests.upstream.forwarding import CLIENT, ELSEWHERE, Stage, Upstream, good, silent, stage
from tests.upstream.virtual_time import run

HOME, ABROAD = "192.0.2.9", "192.0.2.1"
_HOUR = 3600


def at_home(query: DNSRecord) -> bytes:
    """The answer of a fallback server, which claims that it has validated."""
    response = query.reply()
    response.header.ad = 1
    response.add_answer(*RR.fromZone(f"{query.q.qname} {_HOUR} A {HOME}"))
    return bytes(response.pack())


class Cut:
    """A stage with a fallback server, whose default group is silent."""

    def __init__(self, on: Stage, fallback: Upstream) -> None:
        self.on = on
        self.fallback = fallback
        self.forwarder = on.assembled.forwarder

    async def begin(self) -> None:
        """Ask for three names in vain, while the probe of a name abroad has no answer."""
        self.forwarder.note_probe(True)
        for zone in "abc":
            self.on.client.ask(f"www.{zone}.ir.")
        await asyncio.sleep(12)
        self.on.upstream.asked.clear()
        self.on.client.replies.clear()

    async def ask(self, name: str, client: bytes = CLIENT) -> DNSRecord:
        """The reply to a query, which must come at once."""
        self.on.client.ask(name, client)
        await asyncio.sleep(0.05)
        replies = [item for _, item in self.on.client.replies if str(item.q.qname) == name]
        return replies[-1]


@contextmanager
def cut(loop: Loop, answering: object = at_home) -> Iterator[Cut]:
    with stage(loop, silent) as on:
        fallback = Upstream(loop, answering)  # type: ignore[arg-type]
        groups = {"": Group("", [on.upstream.server])}
        name = GROUP.decode()
        on.assembled.forwarder.use({**groups, name: Group(name, [fallback.server])})
        try:
            yield Cut(on, fallback)
        finally:
            fallback.close()


def test_a_domain_that_is_cut_is_asked_of_the_fallback_at_once() -> None:
    async def play(loop: Loop) -> None:
        with cut(loop) as made:
            await made.begin()
            reply = await made.ask("www.new.ir.")
            assert str(reply.short()) == HOME
            assert reply.header.ad == 0
            assert [rr.ttl for rr in reply.rr] == [MOST_TTL]
            other = made.on.client
            other.ask("www.example.com.")
            await asyncio.sleep(0.1)
            assert {name for _, name in made.fallback.asked} == {"www.new.ir."}
            await asyncio.sleep(20)

    run(play)


def test_before_the_cut_and_without_one_the_fallback_is_not_asked() -> None:
    async def play(loop: Loop) -> None:
        with cut(loop) as made:
            for number in range(30):
                made.on.client.ask(f"www.x{number}.ir.")
                await asyncio.sleep(1)
            await asyncio.sleep(15)
            assert made.fallback.asked == []
            assert {item.header.rcode for _, item in made.on.client.replies} == {RCODE.SERVFAIL}

    run(play)


def test_the_first_answer_of_the_group_ends_it() -> None:
    async def play(loop: Loop) -> None:
        with cut(loop) as made:
            await made.begin()
            made.on.upstream.answering = good
            replies = []
            for number in range(10):
                replies.append(str((await made.ask(f"www.y{number}.ir.")).short()))
                await asyncio.sleep(1)
            assert replies[0] == HOME
            assert replies[-1] == ABROAD
            assert replies == sorted(replies, reverse=True)

    run(play)


def test_the_group_is_asked_one_question_every_five_seconds() -> None:
    async def play(loop: Loop) -> None:
        with cut(loop) as made:
            await made.begin()
            names = set()
            for number in range(40):
                await made.ask(f"www.z{number}.ir.")
                await asyncio.sleep(0.4)
            names = {name for _, name in made.on.upstream.asked if ".z" in name}
            assert 3 <= len(names) <= 5
            await asyncio.sleep(15)

    run(play)


def test_its_answer_is_kept_for_half_a_minute_and_replaces_no_fresh_one() -> None:
    async def play(loop: Loop) -> None:
        with cut(loop) as made:
            made.on.upstream.answering = good  # 60 s
            assert str((await made.ask("www.known.ir.")).short()) == ABROAD
            made.on.upstream.answering = silent
            await asyncio.sleep(11)
            await made.begin()
            assert str((await made.ask("www.known.ir.")).short()) == ABROAD
            await asyncio.sleep(45)
            assert str((await made.ask("www.known.ir.")).short()) == HOME
            asked = len(made.fallback.asked)
            await asyncio.sleep(MOST_TTL - 2)
            assert str((await made.ask("www.known.ir.")).short()) == HOME
            assert len(made.fallback.asked) == asked
            await asyncio.sleep(3)
            await made.ask("www.known.ir.")
            assert len(made.fallback.asked) == asked + 1
            await asyncio.sleep(20)

    run(play)


def test_where_the_fallback_is_silent_too_a_stale_answer_is_served() -> None:
    async def play(loop: Loop) -> None:
        with cut(loop, silent) as made:
            made.on.upstream.answering = good
            assert str((await made.ask("www.known.ir.")).short()) == ABROAD
            made.on.upstream.answering = silent
            await asyncio.sleep(70)
            await made.begin()
            made.on.client.ask("www.known.ir.")
            await asyncio.sleep(2)
            assert str(made.on.client.replies[-1][1].short()) == ABROAD
            await asyncio.sleep(20)

    run(play)


def test_names_that_hang_in_a_cut_leave_the_others_room() -> None:
    async def play(loop: Loop) -> None:
        def answering(query: DNSRecord) -> bytes | None:
            return at_home(query) if "home" in str(query.q.qname) else None

        with cut(loop, answering) as made:
            await made.begin()
            for number in range(6000):
                client = bytes((127, 0, number % 200, 1))
                made.on.client.ask(f"www.hang{number}.z{number % 500}.ir.", client)
            crowded = len(made.on.client.replies)
            assert crowded >= 6000 - 5120
            await asyncio.sleep(1)
            made.on.client.ask("www.other.com.")
            await asyncio.sleep(1)
            assert "www.other.com." in {name for _, name in made.on.upstream.asked}
            await asyncio.sleep(30)

    run(play)


def test_twelve_addresses_take_no_name_of_others_in_a_cut() -> None:
    """Names that hang, of three /24; new names of the same domain, from this VLAN and another."""

    def answering(query: DNSRecord) -> bytes | None:
        return at_home(query) if "home" in str(query.q.qname) else None

    async def play(loop: Loop) -> None:
        with cut(loop, answering) as made:
            await made.begin()
            for number in range(6000):
                client = bytes((127, 0, number % 3, 1 + number % 12))
                made.on.client.ask(f"www.hang{number}.z{number % 500}.ir.", client)
            assert made.on.client.replies, "the flood does not fill the room"
            await asyncio.sleep(0.5)  # until the kernel has room for packets again
            clients = (bytes((127, 0, 0, 99)), bytes((127, 0, 5, 5)), ELSEWHERE)
            for number in range(45):
                client = clients[number % 3]
                assert str((await made.ask(f"www.home{number}.ir.", client)).short()) == HOME
            await asyncio.sleep(30)

    run(play)
