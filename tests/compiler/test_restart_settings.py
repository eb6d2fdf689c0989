"""Each setting that a reload cannot change is found, alone."""

import pytest

from resolver.compiler.restart_settings import needs_restart
from tests.compiler.texts import compile_texts

CONFIG = """
[server]
listen = ["127.0.0.1:5300", "[::1]:5300"]
workers = 2
[server.proxy]
listen = ["127.0.0.1:5301"]
from = ["127.0.0.1/32"]
[cache]
max_bytes = "16MiB"
[block_page]
listen = ["127.0.0.1:80"]
[metrics]
listen = "127.0.0.1:9153"
[upstream]
servers = ["192.0.2.1"]
[lists]
directories = []
[policies.open]
[vlans.office]
prefixes = ["10.0.0.0/8"]
policy = "open"
"""


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("workers = 2", "workers = 3", "server.workers"),
        ('"[::1]:5300"', '"127.0.0.2:5300"', "server.listen"),
        ('["127.0.0.1:5301"]', '["127.0.0.1:5302"]', "server.proxy.listen"),
        ("127.0.0.1:9153", "127.0.0.2:9153", "metrics.listen"),
        ("16MiB", "32MiB", "cache.max_bytes"),
        ("127.0.0.1:80", "127.0.0.2:80", "block_page.listen"),
    ],
)
def test_a_setting_that_needs_a_restart(old: str, new: str, key: str) -> None:
    assert CONFIG.count(old) == 1
    before, after = compile_texts(CONFIG), compile_texts(CONFIG.replace(old, new))
    [said] = needs_restart(before.compiled, after.compiled)
    assert said.startswith(f"{key} needs a restart: it is ")


def test_another_policy_needs_none() -> None:
    after = compile_texts(
        CONFIG.replace("[policies.open]", '[policies.open]\ndeny = ["a.example"]')
    )
    assert not list(needs_restart(compile_texts(CONFIG).compiled, after.compiled))
