"""Hours: what holds now decides; when they begin, no query is lost, and answers change at once."""

import json
import select
import socket
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from dnslib import DNSRecord

from tests.live.commands import GOOD
from tests.live.configs import edited, replaced_once, small
from tests.live.fake_clock import fake_clock
from tests.live.nsd import ANY_V4
from tests.live.reloading import data, reload
from tests.live.server import Server

RATE = 5_000
"""Queries a second."""
WAITING = 500
"""Queries that wait for an answer at once, at most: a test that was held up sends no burst."""
CLIENTS = 32
"""Sockets, so that each worker has some of them, each with an address, which has a limit."""
AROUND = 10.0
"""Seconds before and after the minute in which the server is asked."""
PATIENCE = 5.0
START = 40.0
"""Seconds in which the server starts, also on a busy machine."""
CLOSES, OPENS = "closes.example", "opens.example"
HOURS = """
[hours.tested]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
from = "{begin:%H:%M}"
to = "{end:%H:%M}"
time_zone = "UTC"
"""
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WHOLE_DAYS = """
[hours.tested]
{days}
from = "00:00"
to = "24:00"
time_zone = "UTC"
"""
DURING = """during = [
  { hours = "tested", block = ["closing"] },
  { outside = "tested", block = ["opening"] },
]
"""


class Answer(NamedTuple):
    """An answer to a query."""

    sent: float
    heard: float
    """When the query was sent and the reply received, in Unix time."""
    name: str
    blocked: bool
    ttl: int


def asked(port: int, until: float) -> tuple[list[Answer], int]:
    """The answers to queries at a steady rate until a moment, and how many were lost."""
    clients = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(CLIENTS)]
    for number, client in enumerate(clients):
        client.bind((f"127.0.10.{number}", 0))
        client.connect(("127.0.0.1", port))
    questions = [DNSRecord.question(name).pack()[2:] for name in (CLOSES, OPENS)]
    waiting: dict[tuple[int, int], float] = {}
    replies: list[tuple[float, float, bytes]] = []
    began, number = time.time(), 0
    while (now := time.time()) < until + PATIENCE and (now < until or waiting):
        while number < (min(now, until) - began) * RATE and len(waiting) < WAITING:
            turn, place = divmod(number, CLIENTS)
            ident = turn & 0xFFFF
            waiting[place, ident] = time.time()
            clients[place].send(struct.pack("!H", ident) + questions[turn % 2])
            number += 1
        for client in select.select(clients, (), (), 1 / RATE)[0]:
            packet = client.recv(4096)
            [ident] = struct.unpack_from("!H", packet)
            sent = waiting.pop((clients.index(client), ident))
            replies.append((sent, time.time(), packet))
    for client in clients:
        client.close()
    return [answer(*reply) for reply in replies], len(waiting)


def answer(sent: float, heard: float, packet: bytes) -> Answer:
    """What a reply says; it is read after the load, which it would slow down."""
    [record] = (parsed := DNSRecord.parse(packet)).rr
    name, blocked = str(parsed.q.qname).rstrip("."), str(record.rdata) == "0.0.0.0"
    return Answer(sent, heard, name, blocked, record.ttl)


def _config(upstream: str, directory: Path, hours: str) -> str:
    """A config with two services, blocked within hours and outside of them."""
    lists = directory / "lists"
    lists.mkdir()
    for service, name in (("closing", CLOSES), ("opening", OPENS)):
        text = f"! Title: {service}\n! Category: messenger\n||{name}^\n"
        (lists / f"{service}.txt").write_text(text, encoding="utf-8")
    text = small([upstream], server="workers = 2", more=hours)
    text = replaced_once(text, "directories = []", f'directories = ["{lists}"]')
    return replaced_once(text, 'deny = ["web.telegram.org"]\n', DURING)


@pytest.mark.core
def test_the_hours_of_today_decide(
    make: Callable[[str], Server], upstream: str, tmp_path: Path
) -> None:
    all_days = f"days = {json.dumps(DAYS)}"
    in_three_days = f"days = {json.dumps([DAYS[(datetime.now(UTC).weekday() + 3) % 7]])}"
    hours = WHOLE_DAYS.format(days=all_days)
    server = make(_config(upstream, tmp_path, hours)).start()
    assert (data(server, CLOSES), data(server, OPENS)) == ({"0.0.0.0"}, {ANY_V4})
    edited(server.config, all_days, in_three_days)
    assert reload(server).code == GOOD
    assert (data(server, CLOSES), data(server, OPENS)) == ({ANY_V4}, {"0.0.0.0"})


def test_a_boundary_under_load(
    make: Callable[[str], Server], upstream: str, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    begin = (datetime.now(UTC) + timedelta(hours=1)).replace(second=0, microsecond=0)
    hours = HOURS.format(begin=begin, end=begin + timedelta(minutes=5))
    server = make(_config(upstream, tmp_path, hours))
    moment = round(time.time() + START + AROUND, 3)
    server.environment = fake_clock(server.directory)
    (server.directory / "clock").write_text(f"+{begin.timestamp() - moment:.3f}", encoding="ascii")
    server.start()
    time.sleep(max(0.0, moment - AROUND - time.time()))  # nothing is to happen until then
    answers, lost = asked(server.port, moment + AROUND)
    assert lost == 0
    before = [item for item in answers if item.heard < moment]
    after = [item for item in answers if item.sent >= moment]
    assert min(len(before), len(after)) > AROUND * RATE / 2
    assert {(item.name, item.blocked) for item in before} == {(CLOSES, False), (OPENS, True)}
    assert all(item.sent + item.ttl <= moment + 1 for item in before if item.name == CLOSES)
    assert {(item.name, item.blocked) for item in after} == {(CLOSES, True), (OPENS, False)}
    first = min(item.sent for item in after) - moment
    figure(
        f"hours begin: {len(answers)} queries, {lost} lost; all {len(after)} after the minute are "
        f"answered by it, the first {first * 1000:.1f} ms after it"
    )
