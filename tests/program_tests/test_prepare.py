"""While packages are installed for tests, Debian starts none of their servers."""

import subprocess
from pathlib import Path

import pytest

from tests.live.prepare import nothing_starts

pytestmark = pytest.mark.processes


def test_nothing_starts_while_packages_are_installed(tmp_path: Path) -> None:
    """policy-rc.d(8): 101 forbids it."""
    policy = tmp_path / "policy-rc.d"
    with nothing_starts(policy):
        assert subprocess.run([policy, "knot-resolver", "start"], check=False).returncode == 101
    assert list(tmp_path.iterdir()) == []


def test_the_host_gets_its_policy_back_where_the_installation_fails(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n", encoding="utf-8")
    policy.chmod(0o755)
    installation = nothing_starts(policy)
    installation.__enter__()
    assert subprocess.run([policy, "knot-resolver", "start"], check=False).returncode == 101
    assert not installation.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert subprocess.run([policy, "knot-resolver", "start"], check=False).returncode == 104
    assert list(tmp_path.iterdir()) == [policy]
