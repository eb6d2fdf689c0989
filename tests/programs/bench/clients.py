"""Who asks: 250 clients on five VLANs, each with its share of the questions.

dnsperf asks from one address, so there is one dnsperf a client: a few at once, the others
after them. ``TOGETHER`` is a compromise: fewer would be fewer VLANs at a time, more would
keep the generator's core busy with going from one to the next.
"""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.programs.bench.questions import Question, write_questions

PREFIXES = {number: f"127.0.{number}.0/24" for number in (10, 20, 30, 40, 50)}
"""Each VLAN's number and prefix."""
ADDRESSES = [f"127.0.{number}.{host}" for host in range(1, 51) for number in PREFIXES]
"""Neighbours are on different VLANs."""
TOGETHER = 10
"""How many ask at once."""


class Client(NamedTuple):
    """An address, and the file with what it asks."""

    address: str
    questions: Path


def deal(place: Path, questions: Sequence[Question], addresses: Sequence[str]) -> list[Client]:
    """Give each client its share of the questions; the files lie in ``place``."""
    place.mkdir()
    clients = [Client(address, place / address) for address in addresses]
    for first, client in enumerate(clients):
        write_questions(client.questions, questions[first :: len(clients)])
    return clients


def each_asks_all(
    place: Path, questions: Iterable[Question], addresses: Sequence[str]
) -> list[Client]:
    """Have every client ask every question."""
    write_questions(place, questions)
    return [Client(address, place) for address in addresses]


def one_of_each_vlan() -> list[str]:
    """An address of every VLAN."""
    return list(itertools.islice(ADDRESSES, len(PREFIXES)))
