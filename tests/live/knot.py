"""Knot DNS with the config that ``darban export knot`` writes, in a directory of the test's own."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.programs import needed
from tests.live.running import running
from tests.live.waiting import wait_for


@dataclass(frozen=True)
class Knot:
    """A server that runs; its config is knot.conf in its directory."""

    directory: Path
    process: "subprocess.Popen[bytes]"

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    def control(self, *command: str) -> str:
        """What knotc prints; it must end well."""
        return control(self.directory, *command)


def control(directory: Path, *command: str) -> str:
    """What knotc prints for the server of a directory; it must end well."""
    done = _knotc(directory, *command)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def _knotc(directory: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    words: list[str | Path] = [needed("knotc"), "--config", directory / "knot.conf", *command]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def new_key(name: str) -> str:
    """The config of a new TSIG key, as keymgr prints it."""
    command = (needed("keymgr"), "--tsig", name, "hmac-sha256")
    return subprocess.check_output(command, text=True)


def secret(key: str) -> str:
    """The secret of a key, from its config."""
    return key.rpartition("secret: ")[2].strip()


def at_home(config: str, directory: Path, keys: Sequence[str]) -> str:
    """An exported config for another directory and for the user of the tests."""
    (directory / "database").mkdir()
    (directory / "keys.conf").write_text("".join(keys), encoding="utf-8")
    for old, new in (
        ("/etc/knot/darban-keys.conf", str(directory / "keys.conf")),
        ("/run/knot", str(directory)),
        ("/var/lib/knot", str(directory / "database")),
        ("    user: knot:knot\n", ""),
        ("target: syslog", "target: stderr"),
    ):
        assert old in config
        config = config.replace(old, new)
    return config


@contextmanager
def knot(directory: Path, config: str) -> Iterator[Knot]:
    """Run it with a config; the zones are loaded when it is there."""
    (directory / "knot.conf").write_text(config, encoding="utf-8")
    control(directory, "conf-check")
    command = (needed("knotd"), "--config", directory / "knot.conf")
    with running(command, directory / "log") as process:
        server = Knot(directory, process)
        wait_for(lambda: _runs(server), "Knot runs")
        yield server


def _runs(server: Knot) -> bool:
    assert server.process.poll() is None, server.log
    return _knotc(server.directory, "status").returncode == 0
