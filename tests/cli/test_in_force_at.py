"""What is said of a moment for which the audit log has an answer."""

import os
import pwd
from dataclasses import replace

import pytest

from resolver.audit.audit_log import AuditEntry
from resolver.audit.in_force import ActivationInForce
from resolver.cli.in_force_at import since, who

ENTRY = AuditEntry(1_800_000_000.0, "reload", "signal", "0123456789abcdef")


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (86400.0, "the server's clock was ahead by 1 d then, and was set later"),
        (86399.99, "the server's clock was ahead by 1 d then, and was set later"),
        (-90.0, "the server's clock was behind by 1 min 30 s then, and was set later"),
    ],
)
def test_how_far_the_clock_was_wrong_is_said(ahead: float, said: str) -> None:
    assert since(ActivationInForce(ENTRY, ahead), ENTRY.time).splitlines()[-1] == said


def test_of_a_clock_that_was_right_nothing_is_said() -> None:
    assert "clock" not in since(ActivationInForce(ENTRY), ENTRY.time)


def test_a_user_who_is_known_here_is_named() -> None:
    uid = os.getuid()
    known = replace(ENTRY, who=f"uid {uid}")
    assert who(known) == f"uid {uid} ({pwd.getpwuid(uid).pw_name})"
    assert who(replace(ENTRY, who="uid 4294967294")) == "uid 4294967294"
    assert who(ENTRY) == "signal"
