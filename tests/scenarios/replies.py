"""``python -m tests.scenarios.replies``: what comes of every scenario, octet by octet.

Each is played as it is written, then with queries and with responses of which some octets are
spoilt, the same ones each time. A line has a reply, how it was counted, when it came, and which
servers were asked. The first line says which build of the package has played.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

from dnslib import DNSError

from resolver import build
from resolver.engine.result import Reply
from resolver.exchange.attempt import Attempt
from tests.scenarios.file import FILES, Scenario, Told, read
from tests.scenarios.packets import query
from tests.scenarios.stage import Stage, Upstreams

_TIMES = 4


class _Spoilt(Upstreams):
    """Upstreams that are silent where they were told nothing, and whose responses may be spoilt."""

    def __init__(self, told: list[Told], rng: random.Random | None) -> None:
        super().__init__([*told])
        self._rng = rng

    def ask(self, attempt: Attempt, ident: int) -> tuple[Told, bytes]:
        try:
            told, packet = super().ask(attempt, ident)
        except (AssertionError, DNSError):
            return Told("", does="is silent"), b""
        return told, packet if self._rng is None else _spoilt(packet, self._rng)


def _spoilt(packet: bytes, rng: random.Random) -> bytes:
    changed = bytearray(packet)
    for place in rng.choices(range(len(packet)), k=rng.randint(1, 3) if packet else 0):
        changed[place] = rng.randrange(256)
    return bytes(changed[: rng.randint(0, len(changed))] if rng.random() < 0.1 else changed)


def _replies(scenario: Scenario, upstreams: Upstreams) -> Iterator[str]:
    stage = Stage(scenario)
    stage.upstreams = upstreams
    for played in stage.play():
        assert played.result is not None
        packet = played.result.packet.hex() if isinstance(played.result, Reply) else "silence"
        yield f"{packet} {played.result.counter.labels} {played.took:.6f} {played.asked}"


def main() -> None:
    print(build())
    rng = random.Random(1)
    for path in FILES:
        scenario = read(path)
        print(path.stem, *_replies(scenario, Upstreams(scenario.upstream)), sep="\n")
        for _ in range(_TIMES):
            print(*_replies(scenario, _Spoilt(scenario.upstream, rng)), sep="\n")
            steps = [
                replace(step, packet=_spoilt(query(step), rng).hex() or "#")
                for step in scenario.step
            ]
            spoilt = replace(scenario, step=steps)
            print(*_replies(spoilt, _Spoilt(scenario.upstream, None)), sep="\n")


if __name__ == "__main__":
    main()
