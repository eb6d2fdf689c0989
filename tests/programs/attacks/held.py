"""What a worker holds while its upstream gives no answers: bounded, and free again afterwards."""

import threading
import time
from collections.abc import Callable, Iterator

from tests.programs.attacks import wire
from tests.programs.attacks.attack import Attack, Seen
from tests.programs.attacks.client_side import PUBLICITY, Shot, ask, volley
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest
from tests.programs.attacks.mixed_servers import CROWD
from tests.programs.attacks.real_server import Darban, behind

_NAMES = 10_000
_RATE = 500
"""Names a second."""
_MOST_DESCRIPTORS = 3000
"""2,000 for late answers, and those of the queries in flight."""
_MOST_MEMORY = 48
"""MiB above the worker's memory before."""


_FAILURE_KEPT = 1.0
"""Seconds that a failure is served before its question is asked again (RFC 9520 section 3.2)."""


class _Peaks:
    """The most that a worker holds at a time; sampled four times a second."""

    def __init__(self, server: Darban) -> None:
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.descriptors, self.memory = 0, 0.0
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.25):
            self.descriptors = max(self.descriptors, self._server.descriptors())
            self.memory = max(self.memory, self._server.memory())

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def _flood(silent: Callable[[Asked], Iterator[Say]]) -> Seen:
    """Ask for names while the upstream does as ``silent`` says; then it recovers."""
    up = [False]

    def script(asked: Asked) -> Iterator[Say]:
        yield from honest(asked) if up[0] else silent(asked)

    with behind(script, more=CROWD) as (server, _):
        first = server.descriptors(), server.memory()
        peaks = _Peaks(server)
        shots = [
            Shot(n / _RATE, wire.question(f"h{n}.held{n % 500}.example{n % 50}"), PUBLICITY)
            for n in range(_NAMES)
        ]
        replies = volley(server.port, shots, 4.5)
        peaks.stop()
        up[0] = True
        time.sleep(_FAILURE_KEPT)
        again = [ask(server.port, shot.packet, seconds=3) for shot in shots[-20:]]
        time.sleep(18)
        held = server.descriptors() - first[0]
    told = sum(reply is not None for reply in replies)
    answered = sum(bool(packet and packet.addresses == [TRUE]) for packet in again)
    more = peaks.memory - first[1]
    text = f"{told} of {_NAMES} told, at most {peaks.descriptors} descriptors and {more:.0f} MiB "
    text += f"more; {answered} of 20 answered on the next query, then {held} descriptors more"
    bounded = peaks.descriptors <= _MOST_DESCRIPTORS and more <= _MOST_MEMORY and held <= 8
    return Seen(bounded and told == _NAMES and answered == 20, text)


def silence() -> Seen:
    """Nothing comes back over UDP."""
    return _flood(lambda _: iter(()))


def silence_over_tcp() -> Seen:
    """TC over UDP, and nothing over TCP."""

    def script(asked: Asked) -> Iterator[Say]:
        if not asked.stream:
            yield Say(wire.reply(asked.packet, flags=wire.TC))

    return _flood(script)


_WANTED = f"all told, {_MOST_DESCRIPTORS:,} descriptors and {_MOST_MEMORY} MiB at most"
ATTACKS = (
    Attack("held-udp", _WANTED, silence, quick=False),
    Attack("held-tcp", _WANTED, silence_over_tcp, quick=False),
)
