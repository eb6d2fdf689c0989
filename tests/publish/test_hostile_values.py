"""No value of the config adds a word that a program obeys to what ``darban export`` writes.

A group may edit the config, and root exports it. So each value that can reach another program is
hostile here: it is refused where the config is read, or it stays one word, or one string of Lua.
The programs themselves accept the files.
"""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolver.publish.bind import KEYS_FILE
from resolver.publish.lua import lua_list, lua_string
from tests.live.commands import WRONG, darban
from tests.live.configs import replaced_once, shipped
from tests.live.fake_clock import real_clock
from tests.live.knot import at_home, control, new_key
from tests.live.programs import needed
from tests.publish.hostile_values import HOSTILE, SEEDS, VALUES, exported, shapes

pytestmark = pytest.mark.processes
few = settings(max_examples=40)
ODD = {
    "contact": 'Ask "2222" \\',
    "number": '1595/"x"]]',
    "certificate": 'a"b\\.pem',
    "private": "--[[",
    "directory": "a+b_c-1.d",
    "key": "9-a",
    "address": "eth0.1",
    "vlan": "-9._A",
    "policy": "_default",
    "exemption": "9-",
    "service": "9gag",
}
"""Values that an operator may write, and that are no attack."""
KEY = 'key "%s" { algorithm hmac-sha256; secret "AAAA"; };'
WRITE = """
local file = io.open(%s, "w")
for _, text in ipairs(%s) do file:write(text, "\\0") end
file:close()
"""
QUOTED = '[publish]\nlisten = ["127.0.0.1:8053"]\ndirectory = \'/z" module-config: "python\'\n'


@pytest.fixture(scope="module")
def plain() -> list[str]:
    """The files of a harmless config, without their words."""
    return shapes(exported())


@pytest.mark.parametrize("key", VALUES)
@given(hostile=HOSTILE)
@few
def test_a_value_adds_nothing(key: str, plain: list[str], hostile: str) -> None:
    files = exported(key, hostile)
    assert not files or shapes(files) == plain


def test_every_program_has_a_file(plain: list[str]) -> None:
    assert len(plain) == len({*plain}) == 10


@given(texts=st.lists(st.text() | HOSTILE))
@few
def test_dnsdist_reads_each_string_as_it_was(texts: list[str]) -> None:
    with TemporaryDirectory() as directory:
        script, read = Path(directory, "strings.lua"), Path(directory, "read")
        script.write_text(WRITE % (lua_string(str(read)), lua_list(texts)), encoding="utf-8")
        _run(needed("dnsdist"), "--check-config", "-C", script)
        assert read.read_bytes() == "".join(f"{text}\0" for text in texts).encode()


@pytest.mark.parametrize("key", ["", *ODD])
def test_the_programs_accept_the_files(key: str, ip_program: Path, tmp_path: Path) -> None:
    assert ip_program, "nft needs a network namespace"
    files = exported(key, ODD.get(key, ""), tmp_path)
    assert files, "the config is refused"
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    name = ODD["key"] if key == "key" else "w"
    knot = at_home(files["knot.conf"].decode(), tmp_path, [new_key(name)])
    (tmp_path / "knot.conf").write_text(knot, encoding="utf-8")
    control(tmp_path, "conf-check")
    bind = replaced_once(files["named.conf"].decode(), f'include "{KEYS_FILE}";', KEY % name)
    (tmp_path / "named.conf").write_text(bind, encoding="utf-8")
    _run(needed("named-checkconf"), tmp_path / "named.conf")
    for seed in filter(_is_seed, files):
        zone = seed.removeprefix(SEEDS).partition("@")[0].removesuffix(".zone")
        _run(needed("named-checkzone"), "-i", "none", "-k", "ignore", "--", zone, tmp_path / seed)
    [unbound] = tmp_path.glob("darban-*.conf")
    modules = _run(needed("unbound-checkconf"), "-o", "module-config", unbound)
    assert modules == "respip validator iterator\n"
    (tmp_path / "recursor.d/darban.yml").rename(tmp_path / "recursor.yml")
    _run(needed("pdns_recursor"), f"--config-dir={tmp_path}", "--config=check")
    scripts = [lua_string(str(tmp_path / text)) for text in ("recursor.lua", "darban-zones.lua")]
    load = "".join(f"assert(loadfile({script}))\n" for script in scripts)
    (tmp_path / "load.lua").write_text(load, encoding="utf-8")
    for script in ("load.lua", "dnsdist.conf"):
        _run(needed("dnsdist"), "--check-config", "-C", tmp_path / script)
    _run("unshare", "--net", needed("nft"), "--check", "--file", tmp_path / "rules.nft")


def _is_seed(name: str) -> bool:
    return name.startswith(SEEDS)


def _run(*command: str | Path) -> str:
    """What a program prints; with libfaketime, those of BIND never end."""
    done = subprocess.run(
        command, env=real_clock(), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_quote_in_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(shipped(["127.0.0.1:5353"]) + QUOTED, encoding="utf-8")
    done = darban("export", "unbound", "--to", "unbound", at=tmp_path)
    assert done.code == WRONG
    assert "expected a path of ASCII letters, digits and the characters ._/+- alone" in done.err
    assert not (tmp_path / "unbound").exists()


def test_a_quote_in_the_config_s_own_directory_is_refused(tmp_path: Path) -> None:
    place = tmp_path / '" module-config: "python'
    place.mkdir()
    publish = replaced_once(QUOTED, QUOTED.splitlines()[-1], 'directory = "zones"')
    (place / "config.toml").write_text(shipped(["127.0.0.1:5353"]) + publish, encoding="utf-8")
    done = darban("export", "knot", at=place)
    assert done.code == WRONG
    assert "expected a path of ASCII letters, digits and the characters ._/+- alone" in done.err
