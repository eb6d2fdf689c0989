"""Hours that begin while a server is asked: no query is lost, and answers change at the minute."""

import select
import socket
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from dnslib import DNSRecord

from resolver.worker.worker import BEAT
from tests.live.configs import replaced_once, small
from tests.live.server import Server

RATE = 500
CLIENTS = 32
"""Sockets, so that each worker has some of them."""
AROUND = 10.0
"""Seconds before and after the minute in which the server is asked."""
PATIENCE = 5.0
CLOSES, OPENS = "closes.example", "opens.example"
HOURS = """
[hours.tested]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
from = "{begin:%H:%M}"
to = "{end:%H:%M}"
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
    """Unix time."""
    client: int
    name: str
    blocked: bool
    ttl: int


def asked(port: int, until: float) -> tuple[list[Answer], int]:
    """The answers to queries at a steady rate until a moment, and how many were lost."""
    clients = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(CLIENTS)]
    for client in clients:
        client.bind(("127.0.10.5", 0))
        client.connect(("127.0.0.1", port))
    questions = {name: DNSRecord.question(name).pack()[2:] for name in (CLOSES, OPENS)}
    names = list(questions)
    waiting: dict[int, tuple[float, int, str]] = {}
    answers: list[Answer] = []
    began, number = time.time(), 0
    while (now := time.time()) < until + PATIENCE and (now < until or waiting):
        while number < (min(now, until) - began) * RATE:
            client, name = number % CLIENTS, names[number // CLIENTS % 2]
            waiting[number] = (time.time(), client, name)
            clients[client].send(struct.pack("!H", number) + questions[name])
            number += 1
        for client in select.select(clients, (), (), 1 / RATE)[0]:
            packet = client.recv(4096)
            sent, place, name = waiting.pop(struct.unpack_from("!H", packet)[0])
            record = DNSRecord.parse(packet).rr[0]
            answers.append(Answer(sent, place, name, str(record.rdata) == "0.0.0.0", record.ttl))
    for client in clients:
        client.close()
    return answers, len(waiting)


def test_a_boundary_under_load(
    make: Callable[[str], Server], upstream: str, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    for service, name in (("closing", CLOSES), ("opening", OPENS)):
        text = f"! Title: {service}\n! Category: messenger\n||{name}^\n"
        (lists / f"{service}.txt").write_text(text, encoding="utf-8")
    begin = (datetime.now(UTC) + timedelta(seconds=AROUND + 60)).replace(second=0, microsecond=0)
    hours = HOURS.format(begin=begin, end=begin + timedelta(minutes=5))
    text = small([upstream], server="workers = 2", more=hours)
    text = replaced_once(text, "directories = []", f'directories = ["{lists}"]')
    text = replaced_once(text, 'deny = ["web.telegram.org"]\n', DURING)
    server = make(text).start()
    moment = begin.timestamp()
    time.sleep(max(0.0, moment - AROUND - time.time()))  # nothing is to happen until then
    answers, lost = asked(server.port, moment + AROUND)
    assert lost == 0
    before = [each for each in answers if each.sent < moment]
    after = [each for each in answers if each.sent >= moment]
    assert min(len(before), len(after)) > AROUND * RATE / 2
    assert {(each.name, each.blocked) for each in before} == {(CLOSES, False), (OPENS, True)}
    assert all(each.sent + each.ttl <= moment + 1 for each in before if each.name == CLOSES)
    old = [each for each in after if each.blocked is not (each.name == CLOSES)]
    latest = max((each.sent - moment for each in old), default=0.0)
    figure(
        f"hours begin: {len(answers)} answers, {lost} lost, {len(old)} of {len(after)} as before "
        f"the minute, the last {latest * 1000:.1f} ms after it"
    )
    assert len(old) <= RATE * BEAT
