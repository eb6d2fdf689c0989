"""Asking a server few questions at a time, beside a load or before one."""

import selectors
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from typing import Self

from dnslib import DNSRecord

PROBES = 16
"""Sockets of one prober. A worker of Darban has a socket of its own, and the kernel decides by
address and port which of them a client meets; with so many probes some meet each."""
_EVERY = 0.01
_START = 120.0
_PAUSE = 0.005


def addresses(client: str, port: int, name: str) -> list[str] | None:
    """The addresses that a name is answered with; None where there is no usable answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.bind((client, 0))
        try:
            asking.connect(("127.0.0.1", port))
            asking.send(DNSRecord.question(name).pack())
            answer = DNSRecord.parse(asking.recv(4096))
        except OSError:
            return None
    if answer.header.rcode not in (0, 3):
        return None
    return [str(record.rdata) for record in answer.rr]


def first_answer(
    child: "subprocess.Popen[bytes]", client: str, port: int, name: str
) -> list[str] | None:
    """Ask again and again until there is an answer; None if there will be none."""
    until = time.monotonic() + _START
    while time.monotonic() < until:
        if (found := addresses(client, port, name)) is not None:
            return found
        try:
            child.wait(_PAUSE)  # as a pause, and to learn at once that it has ended
        except subprocess.TimeoutExpired:
            continue
        return None
    return None


class Background(ABC):
    """Work in a thread of its own, which begins on entering and has ended on leaving."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Go on until it is to stop."""


class Prober(Background):
    """Asks one question from several sockets."""

    def __init__(self, client: str, port: int, name: str) -> None:
        super().__init__()
        self._question = DNSRecord.question(name).pack()[2:]
        """The query without its ID."""
        self._sockets = [_open(client, port) for _ in range(PROBES)]

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for each in self._sockets:
            each.close()


class Probes(Prober):
    """Asks a hundred times a second from each socket, and notes when which was answered."""

    def __init__(self, client: str, port: int, name: str) -> None:
        super().__init__(client, port, name)
        self._answered: list[list[tuple[float, float]]] = [[] for _ in range(PROBES)]

    @property
    def answered(self) -> int:
        """How many answers came."""
        return sum(map(len, self._answered))

    def all_answered_after(self, moment: float) -> float | None:
        """When the last probe was answered a question that was asked after that moment.

        None where one of them never was.
        """
        return last_of_firsts(self._answered, moment)

    def _run(self) -> None:
        asked: list[dict[bytes, float]] = [{} for _ in self._sockets]
        with selectors.DefaultSelector() as selector:
            for number, each in enumerate(self._sockets):
                selector.register(each, selectors.EVENT_READ, number)
            turn, due = 0, time.monotonic()
            while not self._stopping.is_set():
                if (now := time.monotonic()) >= due:
                    turn, due = turn + 1, due + _EVERY
                    identifier = (turn & 0xFFFF).to_bytes(2, "big")
                    for each, open_questions in zip(self._sockets, asked, strict=True):
                        open_questions[identifier] = now
                        each.send(identifier + self._question)
                for key, _ in selector.select(max(0.0, due - time.monotonic())):
                    self._receive(key.data, asked[key.data])

    def _receive(self, number: int, asked: dict[bytes, float]) -> None:
        answer = self._sockets[number].recv(4096)
        moment = asked.pop(answer[:2], None)
        if moment is not None:
            self._answered[number].append((moment, time.monotonic()))


def last_of_firsts(answered: list[list[tuple[float, float]]], moment: float) -> float | None:
    """Of each probe's first answer to what it asked after a moment, the last.

    ``answered`` are the moments of question and answer, by probe.
    """
    firsts = [
        min((answer for asked, answer in one if asked >= moment), default=None) for one in answered
    ]
    known = [first for first in firsts if first is not None]
    return max(known) if known and len(known) == len(firsts) else None


def _open(client: str, port: int) -> socket.socket:
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind((client, 0))
    probe.connect(("127.0.0.1", port))
    return probe
