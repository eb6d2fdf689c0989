"""The programs that the tests run, and the Debian packages which have them.

``python -m tests.live.prepare`` installs them. A test whose need is not met is skipped with
the reason; in continuous integration, where nothing may be skipped, it fails.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGES = {
    "amtool": "prometheus-alertmanager",
    "ansible-playbook": "ansible-core",
    "bird": "bird2",
    "birdc": "bird2",
    "chromium": "chromium",
    "curl": "curl",
    "dh": "debhelper",
    "dig": "bind9-dnsutils",
    "dnsdist": "dnsdist",
    "dnsmasq": "dnsmasq-base",
    "dnsperf": "dnsperf",
    "dpkg-buildpackage": "dpkg-dev",
    "dpkg-scanpackages": "dpkg-dev",
    "faketime": "faketime",
    "fc-list": "fontconfig",
    "git": "git",
    "gpg": "gpg",
    "gpgv": "gpgv",
    "ip": "iproute2",
    "kea-dhcp4": "kea-dhcp4-server",
    "keepalived": "keepalived",
    "kdig": "knot-dnsutils",
    "kinit": "krb5-user",
    "keymgr": "knot",
    "knotc": "knot",
    "knotd": "knot",
    "kresd": "knot-resolver",
    "ldns-keygen": "ldnsutils",
    "ldns-signzone": "ldnsutils",
    "man": "man-db",
    "mmdebstrap": "mmdebstrap",
    "named": "bind9",
    "named-checkzone": "bind9-utils",
    "net": "samba-common-bin",
    "nft": "nftables",
    "npm": "npm",
    "nsd": "nsd",
    "nsupdate": "bind9-dnsutils",
    "openssl": "openssl",
    "pdftotext": "poppler-utils",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
    "pdns_recursor": "pdns-recursor",
    "promtool": "prometheus",
    "rec_control": "pdns-recursor",
    "rndc": "bind9-utils",
    "rsyslogd": "rsyslog",
    "samba": "samba-ad-dc",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "shellcheck": "shellcheck",
    "smbclient": "smbclient",
    "sshd": "openssh-server",
    "stubby": "stubby",
    "systemd-analyze": "systemd",
    "sudo": "sudo",
    "tidy": "tidy",
    "unbound": "unbound",
    "unbound-control": "unbound",
    "unshare": "util-linux",
    "visudo": "sudo",
    "winbindd": "winbind",
}
PLUGINS = {"rsyslog/lmnsd_gtls.so": "rsyslog-gnutls"}
"""Libraries that a program loads, below the directory of the architecture."""
FILES = {
    "python-wheels/pip-*.whl": "python3-pip-whl",
    "samba/setup/provision.ldif": "samba-ad-provision",
}
"""What a program reads, below /usr/share."""
FONT, FONT_PACKAGE = "Vazirmatn", "fonts-vazirmatn"
"""Pictures of Persian pages need it; a browser's users have one of their own."""
IN_CI = os.environ.get("CI") == "true"
PLAIN = bool(os.environ.get("PLAIN"))
"""`make test` sets it: no program is looked for, so that it does the same on every machine."""

_SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def find(program: str) -> Path | None:
    """Where a program is; None where it is not installed, or where none is looked for."""
    if PLAIN:
        return None
    found = shutil.which(program, path=_SEARCH)
    return Path(found) if found else None


def has_font() -> bool:
    """Whether the font is installed."""
    fc_list = find("fc-list")
    return fc_list is not None and bool(subprocess.check_output([fc_list, FONT]))


def has_plugin(plugin: str) -> bool:
    """Whether a library of ``PLUGINS`` is installed."""
    return any(Path("/usr/lib").glob(f"*/{plugin}"))


def has_file(file: str) -> bool:
    """Whether a file of ``FILES`` is installed."""
    return any(Path("/usr/share").glob(file))


def missing_packages() -> list[str]:
    """The packages that are not installed."""
    missing = {package for program, package in PACKAGES.items() if find(program) is None}
    missing |= {package for file, package in FILES.items() if not has_file(file)}
    missing |= {package for plugin, package in PLUGINS.items() if not has_plugin(plugin)}
    return sorted(missing | (set() if has_font() else {FONT_PACKAGE}))


def needed(program: str) -> Path:
    """Where a program is that the test needs."""
    return find(program) or lacking(f"needs {program}: apt install {PACKAGES[program]}")


def lacking(reason: str) -> NoReturn:
    """Skip the test, or fail where nothing may be skipped."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
