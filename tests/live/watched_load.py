"""Questions whose fate is known beforehand, asked of a server, and counted by who asks them.

A question is asked again in other letters and then in the same, each client by one socket, so
that one worker gets all that one client asks.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from dnslib import QTYPE, RCODE, DNSRecord


@dataclass(frozen=True)
class Question:
    """A question with what becomes of it; that it is asked so often, and then by what path."""

    client: str
    vlan: str
    name: str
    rtype: str
    outcome: str
    service: str = ""
    rcode: str = "NOERROR"
    times: int = 1
    kind: str = ""
    """Which kind of way around the resolver it is."""


@dataclass
class Asked:
    """What was asked and answered, by the client's own account."""

    counts: Counter[Question] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def total(self, which: Callable[[Question], bool] = lambda _: True) -> int:
        return sum(count for question, count in self.counts.items() if which(question))

    def by(
        self, *labels: str, which: Callable[[Question], bool] = lambda _: True
    ) -> dict[tuple[tuple[str, str], ...], float]:
        """Counts by labels, which are fields of the question; ``type`` is that of the record."""
        sums: Counter[tuple[tuple[str, str], ...]] = Counter()
        for question, count in self.counts.items():
            if which(question):
                have = {**vars(question), "type": question.rtype}
                sums[tuple(sorted((label, have[label]) for label in labels if have[label]))] += (
                    count
                )
        return dict(sums)


def ask_all(port: int, questions: Iterator[Question]) -> Asked:
    """Ask each question as often as it says, one after the other."""
    asked = Asked()
    with ExitStack() as stack:
        sockets: dict[str, socket.socket] = {}
        for question in questions:
            if question.client not in sockets:
                asking = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
                asking.settimeout(10)
                asking.bind((question.client, 0))
                asking.connect(("127.0.0.1", port))
                sockets[question.client] = asking
            for turn in range(question.times):
                _ask(sockets[question.client], question, turn, asked)
    return asked


def _ask(asking: socket.socket, question: Question, turn: int, asked: Asked) -> None:
    name = question.name.upper() if turn == 1 else question.name
    query = DNSRecord.question(name, question.rtype)
    asking.send(query.pack())
    answer = DNSRecord.parse(asking.recv(4096))
    assert answer.header.id == query.header.id
    if RCODE[answer.header.rcode] != question.rcode or QTYPE[answer.q.qtype] != question.rtype:
        asked.wrong.append(f"{question}: {answer}")
    asked.counts[question] += 1
