"""A domain of Active Directory: Samba's controller, and members whose only DNS server is given.

Each machine is a network namespace with a host name, a resolv.conf, a /run, and files of Samba and
Kerberos of its own. Samba's controller does what Windows' does with DNS: zones with SRV records,
updates that are signed with Kerberos (GSS-TSIG), policies in SYSVOL.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.programs import needed
from tests.live.running import running
from tests.live.waiting import wait_for

DOMAIN = "ad.agency.internal"
REALM, WORKGROUP = DOMAIN.upper(), "AGENCY"
PASSWORD = "Passw0rd.of-the-lab"
PROGRAMS = ("samba", "winbindd", "net", "smbclient", "kinit", "nsupdate", "ip", "dig")
"""The package of ``samba`` has samba-tool, too."""
ADMINISTRATOR = f"-UAdministrator%{PASSWORD}"
_AS_MACHINE = """
set -e
hostname "$1"
mount --bind "$2/resolv.conf" /etc/resolv.conf
mount --bind "$2/run" /run
shift 2
exec "$@"
"""
_KERBEROS = f"""
[libdefaults]
  default_realm = {REALM}
  dns_lookup_kdc = true
  dns_lookup_realm = false
"""
_MEMBER = f"""
[global]
  security = ads
  realm = {REALM}
  workgroup = {WORKGROUP}
  netbios name = {{name}}
  private dir = {{place}}/private
  lock directory = {{place}}
  state directory = {{place}}
  cache directory = {{place}}
  pid directory = {{place}}
  log file = {{place}}/log
  idmap config * : backend = tdb
  idmap config * : range = 10000-20000
"""


@dataclass(frozen=True)
class Done:
    """How a command has ended."""

    code: int
    out: str
    """What it has printed, and its errors."""


@dataclass(frozen=True)
class Machine:
    """A machine of the domain."""

    name: str
    place: Path
    """Its files."""
    into: Sequence[str]
    """The command that runs what follows it in its namespace."""

    @property
    def smb_config(self) -> Path:
        """Samba's config."""
        return self.place / "smb.conf"

    def command(self, *words: str | Path) -> list[str | Path]:
        """The command line that runs a command on the machine."""
        kerberos = [f"KRB5_CONFIG={self.place}/krb5.conf", f"KRB5CCNAME=FILE:{self.place}/tickets"]
        unshare = ["unshare", "--mount", "--uts", "sh", "-c", _AS_MACHINE, "sh"]
        return [*self.into, *unshare, self.name, self.place, "env", *kerberos, *words]

    def run(self, *words: str | Path, said: str = "") -> Done:
        """Run a command; ``said`` is its input."""
        done = subprocess.run(
            self.command(*words),
            input=said,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        return Done(done.returncode, done.stdout)

    def good(self, *words: str | Path, said: str = "") -> str:
        """What a command prints that must end well."""
        done = self.run(*words, said=said)
        assert done.code == 0, f"{self.name}: {words}: {done.out}"
        return done.out

    def net(self, *words: str) -> str:
        """What Samba's ``net`` prints, which must end well."""
        return self.good("net", *words, f"--configfile={self.smb_config}")

    def address(self, *asked: str) -> str:
        """What dig prints as the answer, or how the server has failed."""
        done = self.good("dig", "+tries=1", "+timeout=10", "+noall", "+answer", "+comments", *asked)
        lines = [line for line in done.splitlines() if line and not line.startswith(";")]
        if lines:
            return " ".join(lines[0].split()[4:])
        return done.partition("status: ")[2].partition(",")[0]

    def log_on(self, user: str) -> Done:
        """Get a ticket of Kerberos for a person."""
        return self.run("kinit", user, said=f"{PASSWORD}\n")

    def update(self, *lines: str, signed: bool = True) -> Done:
        """Send a dynamic update, signed with the ticket that the machine has."""
        text = "\n".join([*lines, "send", ""])
        return self.run("nsupdate", *(["-g"] if signed else ()), said=text)


def machine(name: str, place: Path, into: Sequence[str], dns: str) -> Machine:
    """A machine with this DNS server, not in the domain yet."""
    for path in (place, place / "private", place / "run", place / "run" / "samba"):
        path.mkdir()
    resolv = f"search {DOMAIN}\nnameserver {dns}\noptions timeout:5 attempts:1\n"
    (place / "resolv.conf").write_text(resolv, encoding="ascii")
    (place / "krb5.conf").write_text(_KERBEROS, encoding="ascii")
    made = Machine(name, place, into)
    config = _MEMBER.format(name=name.upper(), place=place)
    made.smb_config.write_text(config, encoding="ascii")
    return made


def provision(controller: Machine, address: str, forwarder: str) -> None:
    """Make the domain, on the machine that is to be its controller."""
    controller.good(
        *("samba-tool", "domain", "provision", f"--realm={REALM}", f"--domain={WORKGROUP}"),
        *("--server-role=dc", "--dns-backend=SAMBA_INTERNAL", f"--adminpass={PASSWORD}"),
        *(f"--host-name={controller.name}", f"--host-ip={address}"),
        *(f"--targetdir={controller.place}", f"--option=dns forwarder = {forwarder}"),
    )
    made = (controller.place / "etc" / "smb.conf").read_text(encoding="utf-8")
    made = made.replace("/var/log/samba", str(controller.place))
    controller.smb_config.write_text(made, encoding="utf-8")


@contextmanager
def samba(controller: Machine) -> Iterator[None]:
    """Samba on the controller, while it runs."""
    command = controller.command(
        needed("samba"), "--foreground", f"--configfile={controller.smb_config}"
    )
    with running(command, controller.place / "out"):
        wait_for(lambda: _serves(controller), "the controller answers over LDAP and DNS", 60)
        yield


def _serves(controller: Machine) -> bool:
    listening = controller.run("ss", "--no-header", "--listening", "--tcp", "--numeric").out
    return all(f":{port} " in listening for port in (53, 88, 389, 445, 464))
