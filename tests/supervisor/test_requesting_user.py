"""Who commands the server: only who could write the audit log is believed about a person."""

import asyncio
import os
import pwd

import pytest

from resolver.supervisor.requesting_user import requesting_user

ROOT, NOBODY = "uid 0 (root)", f"uid 65534 ({pwd.getpwuid(65534).pw_name})"
NO_USER = 4_000_000_000


@pytest.mark.parametrize(
    ("user", "login", "said"),
    [
        (0, None, ROOT),
        (0, 0, ROOT),
        (0, 65534, f"{NOBODY} as {ROOT}"),
        (0, NO_USER, f"uid {NO_USER} as {ROOT}"),
        (0, -1, f"uid -1 as {ROOT}"),
        (0, "root", ROOT),
        (65534, None, NOBODY),
        (65534, 0, NOBODY),
        (NO_USER, 65534, f"uid {NO_USER}"),
    ],
)
def test_a_user_and_the_person_behind_it(user: int, login: object, said: str) -> None:
    assert os.geteuid() != 65534
    assert asyncio.run(requesting_user(user, login)) == said
