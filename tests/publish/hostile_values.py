"""Configs with one hostile text, and what ``darban export`` makes of them."""

import json
import re
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from resolver.compiler.compilation import compile_file
from resolver.publish.bind import bind_files
from resolver.publish.dnsdist_front import front_config
from resolver.publish.knot import knot_config
from resolver.publish.nftables import nftables
from resolver.publish.recursor import recursor_files
from resolver.publish.seeds import seeds
from resolver.publish.unbound import unbound_configs
from resolver.snapshot.snapshot import Snapshot

VALUES = {
    "directory": ("/var/lib/w", "/var/lib/{}"),
    "listen": ("[2001:db8::1]:8053", "[2001:db8::1%{}]:8053"),
    "key": ("w", "{}"),
    "address": ("2001:db8::2", "fe80::2%{}"),
    "vlan": ("w", "{}"),
    "prefix": ("2001:db8:1::/64", "2001:db8:1::%{}/64"),
    "policy": ("w", "{}"),
    "sinkhole": ("2001:db8::3", "2001:db8::3%{}"),
    "contact": ("w", "{}"),
    "directive": ("w", "{}"),
    "number": ("w", "{}"),
    "allowed": ("w.example", "{}.example"),
    "exemption": ("w", "{}"),
    "exempted": ("2001:db8:1::/80", "2001:db8:1::%{}/80"),
    "approver": ("w", "{}"),
    "ticket": ("w", "{}"),
    "reason": ("w", "{}"),
    "name": ("w.example", "{}.example"),
    "certificate": ("w", "{}"),
    "private": ("w", "{}"),
    "dns": ("[2001:db8::4]:53", "[2001:db8::4%{}]:53"),
    "dot": ("[2001:db8::5]:853", "[2001:db8::5%{}]:853"),
    "doh": ("[2001:db8::6]:443", "[2001:db8::6%{}]:443"),
    "node": ("[2001:db8::7]:5353", "[2001:db8::7%{}]:5353"),
    "service": ("w", "{}"),
}
"""What a config may say that can reach another program: harmless, and with a hostile text."""
CONFIG = """
[publish]
listen = [%(listen)s]
directory = %(directory)s
[publish.secondaries.%(key)s]
address = %(address)s
[front]
name = %(name)s
certificate = %(certificate)s
key = %(private)s
dns = [%(dns)s]
dot = [%(dot)s]
doh = [%(doh)s]
nodes = [%(node)s]
[directives.%(directive)s]
number = %(number)s
date = 2015-02-18
covers = ["@messenger"]
[policies.%(policy)s]
block = ["@messenger"]
allow = [%(allowed)s]
directives = [%(directive)s]
contact = %(contact)s
sinkhole = [%(sinkhole)s]
[vlans.%(vlan)s]
prefixes = [%(prefix)s]
policy = %(policy)s
[[exemptions]]
id = %(exemption)s
prefixes = [%(exempted)s]
services = ["@messenger"]
until = 2097-03-20T23:59:59+03:30
approver = %(approver)s
ticket = %(ticket)s
reason = %(reason)s
"""
_NAMES = "! Category: messenger\n||x.example^\n"
_RANGES = "8.8.0.0/24\n2001:4860::/32\n"
_ATTACKS = [
    '" module-config: "python',
    '"\n    module-config: "python"\n#',
    '"; }; include "/etc/shadow"; //',
    "\nserver:\n    user: root\n#",
    "]\n  - id: more\n",
    '"..os.execute("touch /canary").."',
    '\\"..os.execute("touch /canary")--',
    "\nos.execute('touch /canary')\n--",
    "; flush ruleset;",
    "x }\n flush ruleset\n #",
    "../../etc/unbound/unbound",
    "-",
    ".",
    "9",
    "%s",
]
SEEDS = "darban-seeds/"
_LETTERS = "\"'\\`$%#;:,/{}[]()<>|&!?*~@= \n\r\t\0\x7f\x85\u2028aZ-_.9"
HOSTILE = st.sampled_from(_ATTACKS) | st.text(_LETTERS, min_size=1)
_LUA_STRING = re.compile(r'"(?:[^"\\\n]|\\[0-9]{3})*"')
_WORD = re.compile(r"[A-Za-z0-9_.:/%@+!-]+")


def exported(key: str = "", hostile: str = "", at: Path = Path("/etc/w")) -> dict[str, bytes]:
    """All files by their names, to be written to a directory; none where the config is refused."""
    with TemporaryDirectory() as directory:
        snapshot = _compiled(Path(directory), key, hostile)
    return _files(snapshot, at) if snapshot else {}


def _compiled(base: Path, key: str, hostile: str) -> Snapshot | None:
    values = {text: plain for text, (plain, _) in VALUES.items()}
    if key:
        values[key] = VALUES[key][1].format(hostile)
    texts = {text: json.dumps(value, ensure_ascii=False) for text, value in values.items()}
    config = base / "config.toml"
    config.write_text(CONFIG % texts, encoding="utf-8")
    lists = base / "blocklists"
    lists.mkdir()
    try:
        (lists / f"{values['service']}.txt").write_text(_NAMES, encoding="utf-8")
        (lists / f"{values['service']}.ip").write_text(_RANGES, encoding="utf-8")
    except (OSError, ValueError):
        return None  # no file can have such a name
    compiled = compile_file(config, time.time())
    return None if compiled.errors else compiled.snapshot


def _files(snapshot: Snapshot, at: Path) -> dict[str, bytes]:
    compiled, wall = snapshot.compiled, time.time()
    publication, front = compiled.settings.publish, compiled.settings.front
    assert publication is not None
    assert front is not None
    directory = Path(publication.directory)
    texts = {
        "knot.conf": knot_config(compiled, publication, directory),
        "rules.nft": nftables(compiled, wall),
        "dnsdist.conf": front_config(front, at),
        **unbound_configs(compiled, publication, directory),
    }
    files = {name: text.encode() for name, text in texts.items()}
    zones = seeds(snapshot, publication, wall)
    recursor = recursor_files(compiled, publication, zones)
    recursor["recursor.lua"] = recursor.pop("darban.lua")
    bind = bind_files(compiled, publication, zones)
    bind["named.conf"] = bind.pop("darban-views.conf")
    return files | recursor | bind


def shapes(files: dict[str, bytes]) -> list[str]:
    """The files without their words and without the strings of Lua: what is left is grammar."""
    return [
        _WORD.sub("w", _LUA_STRING.sub("w", text) if _is_lua(name) else text)
        for name, text in (
            (name, octets.decode()) for name, octets in files.items() if _is_text(name)
        )
    ]


def _is_lua(name: str) -> bool:
    return name.endswith(".lua") or name == "dnsdist.conf"


def _is_text(name: str) -> bool:
    return not name.startswith(SEEDS)
