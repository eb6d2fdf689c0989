"""Configs of other resolvers, moved as the documents say: no setting is passed over."""

import re
import subprocess
import time
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from tests.documents.pages import DOCS, ROOT
from tests.live.fake_clock import real_clock
from tests.live.programs import needed

ANCHOR = ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
"""The trust anchor of the root, which the config of Unbound names a file of."""
PAGE = DOCS / "how-to" / "move.md"
MOVED = Path(__file__).parent / "moved"
"""What other resolvers have, and what it becomes as the page says."""
_SETTING = {
    "pihole": re.compile(r"^ *(\w+) =|^\[(\w+)\]", re.MULTILINE),
    "unbound": re.compile(r"^ *([a-z-]+):", re.MULTILINE),
    "bind": re.compile(r"(?:^|[{;])\s*([a-z-]+) [{\"\w]", re.MULTILINE),
}
_WITHIN = {"dns", "misc", "server", "options", "file", "type", "forward", "any"}
"""Words that only hold settings, or belong to one."""


_IMPORTED = """
[policies.staff]
deny = ["|tracker.example^"]
[vlans.staff]
prefixes = ["10.10.0.0/16"]
policy = "staff"
"""
"""What the import makes of a gravity.db that denies a name: the page's tables stand beside it."""


OLD = {"pihole": "pihole.ini", "unbound": "unbound.conf", "bind": "bind.conf"}


def _moved(file: str) -> str:
    return (MOVED / file).read_text(encoding="utf-8")


def _accounted(name: str) -> str:
    """The rows of the tables of its section."""
    section = {"pihole": "Pi-hole", "unbound": "Unbound", "bind": "BIND"}[name]
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2]
    return "\n".join(re.findall(r"^\|.*", text.partition("\n## ")[0], re.MULTILINE))


@pytest.mark.parametrize("name", _SETTING)
def test_every_setting_has_its_place_or_is_named_as_left(name: str) -> None:
    settings = {"".join(item) for item in _SETTING[name].findall(_moved(OLD[name]))} - _WITHIN
    assert len(settings) > 5
    rows = _accounted(name)
    assert [setting for setting in sorted(settings) if f"`{setting}" not in rows] == []


@pytest.mark.processes
def test_the_config_of_unbound_is_one(tmp_path: Path) -> None:
    key = tmp_path / "root.key"
    key.write_text(f"{ANCHOR}\n", encoding="utf-8")
    path = tmp_path / "unbound.conf"
    path.write_text(_moved(OLD["unbound"]).replace("/var/lib/unbound/root.key", str(key)), "utf-8")
    _good([needed("unbound-checkconf"), path])


@pytest.mark.processes
def test_the_config_of_bind_is_one(tmp_path: Path) -> None:
    zone = tmp_path / "rpz.agency"
    zone.write_text(_moved("bind.zone"), encoding="utf-8")
    path = tmp_path / "named.conf"
    old = _moved(OLD["bind"]).replace("/etc/bind/rpz.agency", str(zone))
    path.write_text(old.replace("/var/cache/bind", str(tmp_path)), encoding="utf-8")
    _good([needed("named-checkconf"), "-z", path])


def _good(command: list[str | Path]) -> None:
    # With libfaketime, BIND's programs never end.
    done = subprocess.run(command, env=real_clock(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", _SETTING)
def test_what_it_becomes_is_good_and_holds(tmp_path: Path, name: str) -> None:
    text = _moved(f"{name}.toml")
    shipped = (ROOT / "config.toml").read_text(encoding="utf-8")
    directives = re.findall(r"^\[directives.*?(?=^\[policies|^# ----)", shipped, re.M | re.S)
    lists = f"[lists]\ndirectories = ['{ROOT / 'blocklists'}']\n"
    lists += _IMPORTED if name == "pihole" else ""
    (tmp_path / "rpz.agency").write_text(_moved("bind-copied.zone"), encoding="utf-8")
    path = tmp_path / "config.toml"
    path.write_text("\n".join([text, lists, *directives]), encoding="utf-8")
    compiled = compile_file(path, time.time())
    assert [str(problem) for problem in compiled.problems if problem.severity == "error"] == []
    assert compiled.failed == []
    assert text.count("[[expect]]") >= 4
