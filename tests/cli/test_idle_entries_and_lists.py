"""An entry for a list that has not come yet is not called idle: to remove it would block later."""

from pathlib import Path

from resolver.cli.check import checked

CONFIG = """
[lists]
directories = ["lists"]
{source}
[policies.p]
block = ["one"]
allow = ["cdn.more.example"]
[vlans.v]
prefixes = ["10.0.0.0/8"]
policy = "p"
"""
SOURCE = (
    '[lists.sources.more]\nurl = "https://lists.example/more"\nformat = "hosts"\nservice = "one"\n'
)


def idle(directory: Path, source: str) -> list[str]:
    (directory / "lists").mkdir(exist_ok=True)
    (directory / "lists" / "one.txt").write_text("! Category: messenger\n||one.example^\n")
    config = directory / "config.toml"
    config.write_text(CONFIG.format(source=source))
    problems = checked(config, 1.8e9).problems
    return [each.found for each in problems if each.code.startswith("idle-entry")]


def test_nothing_is_idle_while_a_list_is_to_come(tmp_path: Path) -> None:
    assert idle(tmp_path, SOURCE) == []
    assert idle(tmp_path, "") == ["cdn.more.example, which decides no question"]
