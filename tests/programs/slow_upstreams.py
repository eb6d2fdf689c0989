"""``python -m tests.programs.slow_upstreams``: slow upstreams, before Darban and before Unbound.

It prints what a client of each gets from an upstream that needs seconds, and from one that has
just recovered. It needs unbound (Debian's package of this name), and takes three minutes.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.ports import free_port
from tests.live.programs import find
from tests.live.waiting import wait_for
from tests.programs.attacks import wire
from tests.programs.attacks.client_side import Shot, ask, volley
from tests.programs.attacks.fake_upstream import TRUE, Asked, Say, honest, upstream
from tests.programs.attacks.mixed_servers import Start, darban_for_all, mixed

_UNBOUND = """
server:
  module-config: "iterator"
  interface: 127.0.0.1@{port}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-ip6: no
  num-threads: 1
  username: ""
  chroot: ""
  directory: "{place}"
  pidfile: ""
  use-syslog: no
  logfile: ""
remote-control:
  control-enable: no
forward-zone:
  name: "."
"""


@contextmanager
def _unbound(servers: list[str]) -> Iterator[int]:
    """Unbound with its defaults, which forwards everything to these servers."""
    program = find("unbound")
    assert program, "needs unbound: apt-get install unbound"
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="darban-unbound-") as place:
        addresses = "".join(f"  forward-addr: {each.replace(':', '@')}\n" for each in servers)
        config = Path(place) / "unbound.conf"
        config.write_text(_UNBOUND.format(port=port, place=place) + addresses, encoding="utf-8")
        process = subprocess.Popen([program, "-d", "-c", config], stderr=subprocess.DEVNULL)
        try:
            ready = wire.question("version.server.", wire.TXT)[:-2] + b"\x00\x03"
            wait_for(lambda: ask(port, ready, seconds=0.2) is not None, "unbound answers", 10)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def _asked(port: int, name: str) -> str:
    """What a client gets, and when."""
    began = time.monotonic()
    reply = ask(port, wire.question(name), seconds=12)
    took = time.monotonic() - began
    if reply is None:
        return "nothing in 12 s"
    said = "answered" if reply.addresses == [TRUE] else f"rcode {reply.rcode}"
    return f"{said} after {took:.2f} s"


def _twice(start: Start, script: Callable[[Asked], Iterator[Say]]) -> str:
    """A name is asked for, and once more after 8 s."""
    with upstream(script) as slow, start([slow.where]) as port:
        began = time.monotonic()
        first = _asked(port, "www.example")
        first += f" by {len(slow.of('www.example'))} queries"
        time.sleep(max(0.0, 8 - (time.monotonic() - began)))
        return f"{first}; then {_asked(port, 'www.example')}"


def _after(seconds: float) -> Callable[[Start], str]:
    return lambda start: _twice(start, lambda asked: iter(honest(asked, after=seconds)))


def _tcp(start: Start) -> str:
    def script(asked: Asked) -> Iterator[Say]:
        if asked.stream:
            yield from honest(asked, after=2.2)
        else:
            yield Say(wire.reply(asked.packet, flags=wire.TC))

    return _twice(start, script)


def _crowd(start: Start) -> str:
    with upstream(lambda asked: honest(asked, after=0.4)) as slow, start([slow.where]) as port:
        replies = volley(
            port, [Shot(n / 1000, wire.question("www.example")) for n in range(200)], 5
        )
        answered = sum(bool(each and wire.read(each.packet).addresses) for each in replies)
        return f"{answered} of 200 answered by {len(slow.of('www.example'))} queries"


def _recovers(start: Start) -> str:
    up = [False]

    def script(asked: Asked) -> Iterator[Say]:
        if up[0]:
            yield from honest(asked)

    with upstream(script) as down, start([down.where]) as port:
        first = _asked(port, "www.example")
        up[0] = True
        return f"{first}; after the recovery {_asked(port, 'www.example')}"


_CASES: dict[str, Callable[[Start], str]] = {
    "an upstream that needs 2.2 s": _after(2.2),
    "one that needs 5 s": _after(5.0),
    "one that truncates, and needs 2.2 s over TCP": _tcp,
    "200 clients of a name that takes 400 ms": _crowd,
    "an upstream that is silent, then recovers": _recovers,
    "flapping, slow (2.2 s), lame, good; 500 names a second": lambda start: str(mixed(start, 2.2)),
    "flapping, slow (5 s), lame, good; 500 names a second": lambda start: str(mixed(start, 5.0)),
}


def main() -> None:
    """Print what each server does in each case."""
    for case, run in _CASES.items():
        print(f"{case}:", flush=True)
        for name, start in (("Darban", darban_for_all), ("Unbound", _unbound)):
            print(f"  {name:8} {run(start)}", flush=True)


if __name__ == "__main__":
    main()
