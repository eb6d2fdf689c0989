"""dnsdist in front, with the config that ``darban export dnsdist-front`` prints."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.clients import run
from tests.live.commands import GOOD, darban
from tests.live.ports import listens
from tests.live.running import running
from tests.live.waiting import wait_for

NAME = "dns.agency.example"
_LISTENER = re.compile(r'^add\w*Local\(".*:(\d+)"', re.MULTILINE)
"""A line of the config that has dnsdist listen, and its port."""


@contextmanager
def dnsdist(
    program: Path, config: Path, through: Sequence[str | Path] = (), more: str = ""
) -> Iterator[Path]:
    """dnsdist for a config of Darban's, perhaps within a namespace: its log.

    ``more`` is added to the config that Darban exports.
    """
    made = darban("export", "dnsdist-front", "--config", config, at=config.parent)
    assert made.code == GOOD, made.err
    text = config.with_name("dnsdist.conf")
    text.write_text(made.out + more, encoding="utf-8")
    run([program, "--check-config", "-C", text])
    place = config.with_name("dnsdist.log")
    ports = [int(port) for port in _LISTENER.findall(made.out)]
    assert ports, made.out
    command = [*through, program, "--supervised", "--disable-syslog", "-C", text]
    with running(command, place) as process:
        wait_for(lambda: _is_ready(process, place, ports), "dnsdist is ready")
        yield place
        assert process.poll() is None, f"dnsdist has ended: {place.read_text(encoding='utf-8')}"


def _is_ready(process: subprocess.Popen[bytes], log: Path, ports: Sequence[int]) -> bool:
    text = log.read_text(encoding="utf-8", errors="replace")
    assert process.poll() is None, f"dnsdist has ended: {text}"
    return all(listens(process.pid, port) for port in ports)


def certificate(openssl: Path, directory: Path, *addresses: str) -> Path:
    """A certificate of its own authority for ``NAME`` and addresses, with its key beside it."""
    place = directory / "dns.pem"
    names = ",".join([f"DNS:{NAME}", *(f"IP:{address}" for address in addresses)])
    run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-noenc", "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName={names}"),
            *("-keyout", directory / "dns.key", "-out", place),
        ]
    )
    return place
