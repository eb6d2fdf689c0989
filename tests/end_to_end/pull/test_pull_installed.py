"""The installed service pulls its policy from real git servers, within what systemd lets it do."""

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.live.installed import Installation, installed_layer
from tests.live.policy_repository import SIGNER, PolicyRepository, policy_repository
from tests.live.systemd import Machine, booted

CONFIG = "/etc/darban/config.toml"
BY_SSH = "ssh://git@127.0.0.1/srv/policy.git"
BY_HTTPS = "https://localhost/git/policy.git"
LOCAL = """
[server]
listen = ["127.0.0.1:53"]
[upstream]
servers = ["192.0.2.1"]
[policy_source]
repository = "{url}"
allowed_signers = "allowed_signers"
"""
SSH = """
Host 127.0.0.1
    IdentityFile /etc/ssh/policy_key
"""
LIGHTTPD = """
server.modules = ("mod_setenv", "mod_alias", "mod_cgi", "mod_openssl")
server.document-root = "/srv"
server.bind = "127.0.0.1"
server.port = 443
server.username = "git"
ssl.engine = "enable"
ssl.pemfile = "/etc/lighttpd/localhost.pem"
alias.url = ("/git/" => "/usr/lib/git-core/git-http-backend/")
cgi.assign = ("git-http-backend" => "")
setenv.set-environment = ("GIT_PROJECT_ROOT" => "/srv", "GIT_HTTP_EXPORT_ALL" => "")
"""
CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj /CN=git"
    " -addext subjectAltName=DNS:localhost -keyout /root/key -out /root/git.crt"
    " && cat /root/git.crt /root/key >/etc/lighttpd/localhost.pem"
)
TRUST_HOST = "echo 127.0.0.1 $(cat /etc/ssh/ssh_host_ed25519_key.pub) >/etc/ssh/ssh_known_hosts"
TRUST_CA = "cp /root/git.crt /usr/local/share/ca-certificates && update-ca-certificates"


@pytest.fixture(scope="module")
def machine(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A clean server with Darban, and with git servers that have no repository yet."""
    place = tmp_path_factory.mktemp("debian")
    with installed_layer(installation, place) as root, booted(root) as up:
        up.good("useradd", "--home-dir=/srv", "--shell=/usr/bin/git-shell", "--password=*", "git")
        up.write("/etc/lighttpd/lighttpd.conf", LIGHTTPD)
        up.good("sh", "-c", CERTIFICATE)
        up.good("systemctl", "start", "ssh")
        up.good("lighttpd", "-f", "/etc/lighttpd/lighttpd.conf")
        yield up


@pytest.fixture(scope="module")
def repository(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> PolicyRepository:
    """The operator's clone; servers may read what is published of it, and check its signatures."""
    made = policy_repository(tmp_path_factory.mktemp("clone"))
    machine.write("/etc/darban/allowed_signers", made.allowed.read_text(encoding="utf-8"))
    key = machine.root / "etc/ssh/policy_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    machine.write("/etc/ssh/ssh_config.d/policy.conf", SSH)
    machine.good("chown", "darban", "/etc/ssh/policy_key")
    machine.good("install", "-d", "-o", "git", "/srv/.ssh")
    machine.good("cp", "/etc/ssh/policy_key.pub", "/srv/.ssh/authorized_keys")
    return made


def _publish(machine: Machine, repository: PolicyRepository) -> None:
    place = machine.root / "srv/policy.git"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(repository.path / ".git", place)
    machine.good("chown", "-R", "git:git", "/srv/policy.git")


@pytest.mark.parametrize(
    ("url", "trust", "why"),
    [
        (BY_SSH, TRUST_HOST, "Host key verification failed"),
        (BY_HTTPS, TRUST_CA, "certificate signer not trusted"),
    ],
    ids=["SSH", "HTTPS"],
)
def test_the_service_pulls_from_a_server_that_it_can_trust(
    machine: Machine, repository: PolicyRepository, url: str, trust: str, why: str
) -> None:
    machine.good("systemctl", "stop", "darban")
    machine.write(CONFIG, LOCAL.format(url=url))
    _publish(machine, repository)
    refused = machine.run("darban", "pull")
    assert refused.code == 2, refused.out
    assert why in " ".join(refused.out.split())
    machine.good("sh", "-c", trust)
    machine.good("darban", "pull")
    machine.good("systemctl", "start", "darban")
    name = f"{url.partition(':')[0]}.example"
    repository.block(name)
    commit = repository.commit()
    _publish(machine, repository)
    machine.good("darban", "pull")  # the service does it, if its own timer has not just now
    source = json.loads(machine.good("darban", "status", "--json"))["policy_source"]
    assert (source["commit"], source["signer"], source["problem"]) == (commit, SIGNER, "")
    asked = ("dig", "+short", "+tries=1", "-b", "127.0.10.5", "@127.0.0.1", name)
    assert machine.good(*asked).strip() == "0.0.0.0"
