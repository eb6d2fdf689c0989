"""The work of ``darban check`` is linear in the names of ``allow``, ``deny`` and ``except``.

Those of a policy, and those of a VLAN with this policy.
"""

import sys
from pathlib import Path

import pytest

from resolver.cli.check import checked

CONFIG = """
[lists]
directories = ["lists"]
[policies.p]
block = ["one"]
{key} = [{names}]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
{key} = [{of_vlan}]
[[expect]]
vlan = "v"
services = ["one"]
outcome = "blocked"
except = [{names}, {of_vlan}]
"""


@pytest.mark.interpreted  # calls of compiled functions are not seen
@pytest.mark.parametrize("key", ["allow", "deny"])
def test_the_work_is_linear_in_the_names(tmp_path: Path, key: str) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "one.txt").write_text("! Category: messenger\n||one.example^\n")
    config = tmp_path / "config.toml"

    def calls(count: int) -> int:
        """Calls of Python functions in a check with so many names."""
        names, of_vlan = (
            ", ".join(f'"{whose}{number}.one.example"' for number in range(count)) for whose in "pv"
        )
        config.write_text(CONFIG.format(key=key, names=names, of_vlan=of_vlan))
        seen = 0

        def see(_frame: object, event: str, _argument: object) -> None:
            nonlocal seen
            seen += event == "call"

        sys.setprofile(see)
        try:
            assert not checked(config, 1.8e9).errors
        finally:
            sys.setprofile(None)
        return seen

    calls(1)  # what a first check imports
    few, more, most = map(calls, (100, 200, 400))
    assert more - few > 100
    assert most - more < 2.5 * (more - few)
