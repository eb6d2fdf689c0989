"""Hosts that a real ssh reaches: a real sshd each, which runs commands in a directory of its own.

A test's ssh is the real one with a config of the test's own, which has the hosts' ports and the
key of the person who gives the commands.
"""

import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.live.ports import free_port
from tests.live.programs import needed
from tests.live.server import DARBAN
from tests.live.waiting import wait_for

_SERVER = """
ListenAddress 127.0.0.1:{port}
HostKey {keys}/host
AuthorizedKeysFile {keys}/person.pub
PasswordAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
SetEnv PATH={path} NO_COLOR=1 COLUMNS=100
ForceCommand cd '{place}' && exec sh -c "$SSH_ORIGINAL_COMMAND"
"""
_CLIENT = """
Host {name}
  HostName 127.0.0.1
  Port {port}
  User {user}
  HostKeyAlias a-host
  IdentityFile {keys}/person
  UserKnownHostsFile {keys}/known_hosts
  StrictHostKeyChecking yes
"""
_IN_OWN_RUN = 'mount -t tmpfs none /run && mkdir /run/sshd && exec "$0" "$@"'
"""As root, sshd needs /run/sshd, which a system makes at its start."""


class SshNodes:
    """Hosts by their names; each can be down."""

    def __init__(self, directory: Path, places: Mapping[str, Path]) -> None:
        """``places`` has the directory of each host."""
        self._directory = directory
        self._places = places
        self._ports = {name: free_port() for name in places}
        self._sshd = needed("sshd")
        for key in ("host", "person"):
            command = (needed("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", directory / key)
            subprocess.run(command, check=True)
        host = (directory / "host.pub").read_text()
        (directory / "known_hosts").write_text(f"a-host {host}")
        user = pwd.getpwuid(os.getuid()).pw_name
        config = "".join(
            _CLIENT.format(name=name, port=port, user=user, keys=directory)
            for name, port in self._ports.items()
        )
        (directory / "ssh_config").write_text(config)
        (directory / "bin").mkdir()
        ssh = directory / "bin" / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec {needed("ssh")} -F {directory}/ssh_config "$@"\n')
        ssh.chmod(0o755)

    @property
    def path(self) -> str:
        """The PATH by which commands find this ssh, and ``darban``."""
        return f"{self._directory / 'bin'}:{DARBAN.parent}:/usr/bin:/bin"

    @contextmanager
    def program(self, name: str, line: str) -> Iterator[None]:
        """The hosts have a program meanwhile that runs a line of sh."""
        program = self._directory / "bin" / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
        yield
        program.unlink()

    @contextmanager
    def up(self, *names: str) -> Iterator[None]:
        """These hosts are up meanwhile."""
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(self._running(name))
            yield

    @contextmanager
    def _running(self, name: str) -> Iterator[None]:
        config = self._directory / f"sshd_{name}"
        given = {"keys": self._directory, "path": self.path, "place": self._places[name]}
        config.write_text(_SERVER.format(port=self._ports[name], **given))
        command: list[str | Path] = [self._sshd, "-D", "-e", "-f", config]
        if os.geteuid() == 0:
            command = [needed("unshare"), "--mount", "sh", "-c", _IN_OWN_RUN, *command]
        log = self._directory / f"log_{name}"
        with log.open("wb") as err, subprocess.Popen(command, stderr=err) as process:
            try:
                wait_for(lambda: "Server listening" in log.read_text(), "sshd listens")
                yield
            finally:
                process.kill()
