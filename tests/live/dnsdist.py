"""dnsdist in front, with the config that ``darban export dnsdist-front`` prints."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.clients import run
from tests.live.commands import GOOD, darban
from tests.live.waiting import wait_for

NAME = "dns.agency.example"


@contextmanager
def dnsdist(program: Path, config: Path, through: Sequence[str | Path] = ()) -> Iterator[Path]:
    """dnsdist for a config of Darban's, perhaps within a namespace: its log."""
    made = darban("export", "dnsdist-front", "--config", config, at=config.parent)
    assert made.code == GOOD, made.err
    text = config.with_name("dnsdist.conf")
    text.write_text(made.out, encoding="utf-8")
    run([program, "--check-config", "-C", text])
    place = config.with_name("dnsdist.log")
    with place.open("ab") as log:
        command = [*through, program, "--supervised", "--disable-syslog", "-C", text]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_for(lambda: _is_ready(process, place), "dnsdist is ready")
        yield place
        assert process.poll() is None, f"dnsdist has ended: {place.read_text(encoding='utf-8')}"
    finally:
        process.terminate()
        process.wait(10)


def _is_ready(process: subprocess.Popen[bytes], log: Path) -> bool:
    text = log.read_text(encoding="utf-8", errors="replace")
    assert process.poll() is None, f"dnsdist has ended: {text}"
    return "ACL allowing queries from" in text  # logged once it listens


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
