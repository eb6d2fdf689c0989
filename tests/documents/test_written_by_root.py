"""What the documents have root write into a folder of a group leads nowhere else.

Members of the group darban may write in /etc/darban: they may put a link in the place of any file.
"""

import grp
import os
import re
import subprocess
from pathlib import Path

import pytest

from resolver.cli import init
from tests.documents.pages import DOCS, PAGES, ROOT, blocks

_OPEN = "/etc/darban/", "/var/lib/darban/", "/var/lib/darban-zones/", "/var/lib/darban-lists/"
"""Folders in which users other than root may write."""
_WRITES = re.compile(r"\b(?:install|cp|ln|tee|touch|editor|\$EDITOR|nano)\b.*|>+ *\S+|\bmv\b.*")
_RENAMES = re.compile(r"mv -\w*T( --backup --suffix=\.old)? \S+ \S+")


def _commands(page: Path) -> list[str]:
    """The lines of a page's blocks of code, without comments and prompts."""
    found = re.findall(r"^( *)```\w*\n(.*?)^\1```$", page.read_text("utf-8"), re.M | re.S)
    lines = (line.strip() for _, text in found for line in text.splitlines())
    return [re.sub(r"(^# |\s+#\s.*$)", "", line) for line in lines]


def _writes_into_an_open_folder(command: str) -> bool:
    for part in re.split(r"&&|;|\|\||\|", command):
        for text in _WRITES.findall(part):
            target = text.removeprefix(">").split()[-1]
            if target.startswith(_OPEN) and not _RENAMES.fullmatch(text.strip()):
                return True
    return False


@pytest.mark.parametrize(
    ("command", "does"),
    [
        ("install -m 640 key /etc/darban/key", True),
        ("install -m 640 key cert /etc/darban/", True),
        ("cat key > /etc/darban/key", True),
        ("mv key /etc/darban/key", True),
        ("mv -T key /etc/darban/key && systemctl restart darban", False),
        ("cp /etc/darban/blocklists/*.txt lists/", False),
        ("install -d -o darban -g knot -m 2750 /var/lib/darban-zones", False),
    ],
)
def test_a_command_is_understood(command: str, does: bool) -> None:
    assert _writes_into_an_open_folder(command) == does


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_has_root_write_nothing_into_a_folder_of_a_group(page: Path) -> None:
    assert [command for command in _commands(page) if _writes_into_an_open_folder(command)] == []


def test_nothing_is_unpacked_into_a_folder_of_a_group() -> None:
    """tar may follow a link in the folders that are there: they are moved away first."""
    lines = _commands(DOCS / "how-to" / "upgrade.md")
    [unpack] = [number for number, line in enumerate(lines) if line.startswith("tar --extract")]
    moved = " ".join(lines[unpack - 2 : unpack])
    for folder in ("/etc/darban", "/var/lib/darban"):
        assert f"mv -T {folder} {folder}.old" in moved


def test_what_is_in_the_folder_of_the_config_is_written_elsewhere_first() -> None:
    """After ``cd /etc/darban``, a relative path is in the folder of the group."""
    for page in PAGES:
        lines = _commands(page)
        if "cd /etc/darban" in lines:
            after = lines[lines.index("cd /etc/darban") :]
            assert [text for text in after if re.search(r"> *[^/\s]\S*$", text)] == [], page


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As /etc with /etc/darban; ``elsewhere`` is a folder of another service."""
    (tmp_path / "darban").mkdir()
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


def _run(text: str, folder: Path, **environment: str) -> int:
    group = grp.getgrgid(os.getgid()).gr_name
    text = text.replace("/etc/darban", f"{folder}/darban").replace("-g darban", f"-g {group}")
    text = re.sub(r"/etc/(?=dns)", f"{folder}/", text)
    command = ["sh", "-c", text]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


@pytest.mark.processes
@pytest.mark.parametrize("leads_to", ["elsewhere", "elsewhere/dns.agency.example.key"])
def test_the_hook_of_certbot_writes_through_no_link(folder: Path, leads_to: str) -> None:
    [hook] = [
        block.text
        for block in blocks("sh", DOCS / "how-to" / "encrypted-dns.md")
        if "-g darban" in block.text
    ]
    files = {"fullchain.pem": "dns.agency.example.pem", "privkey.pem": "dns.agency.example.key"}
    for name, becomes in files.items():
        (folder / name).write_text(name)
        (folder / "darban" / becomes).symlink_to(folder / leads_to)
    before = sorted(folder.rglob("*"))
    assert _run(hook, folder, RENEWED_LINEAGE=str(folder)) == 0
    for name, becomes in files.items():
        written = folder / "darban" / becomes
        assert not written.is_symlink()
        assert written.read_text() == name
        assert written.stat().st_mode & 0o777 == 0o640
    assert sorted(folder.rglob("*")) == before
    assert list((folder / "elsewhere").iterdir()) == []


@pytest.mark.processes
@pytest.mark.parametrize("is_relative", [False, True])
def test_what_init_prints_replaces_a_link(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    is_relative: bool,
) -> None:
    config = folder / "darban" / "config.toml"
    monkeypatch.setattr(init, "SYSTEM", config)
    monkeypatch.chdir(config.parent)
    new = config.with_name("ali.toml")
    given = Path("ali.toml") if is_relative else new
    assert init.init(given, vlan=["staff=127.0.10.0/24"], listen=["127.0.0.1"]) == 0
    [command] = re.findall(r"mv .*(?= && systemctl)", capsys.readouterr().out)
    config.symlink_to(folder / "elsewhere")
    text = new.read_text("utf-8")
    assert _run(command, folder) == 0
    assert (config.is_symlink(), config.read_text("utf-8")) == (False, text)
    assert config.with_name("config.toml.old").is_symlink()
    assert list((folder / "elsewhere").iterdir()) == []


@pytest.mark.processes
def test_the_example_of_an_agency_is_copied_over_no_link(folder: Path) -> None:
    text = (ROOT / "deploy" / "agency.toml").read_text("utf-8")
    [command] = re.findall(r"^#   (cp .*?)  ", text, re.MULTILINE)
    (folder / "ali.toml").symlink_to(folder / "elsewhere" / "file")
    assert _run(f"cd {folder} && {command.replace('deploy/', f'{ROOT}/deploy/')}", folder) == 0
    assert not (folder / "ali.toml").is_symlink()
    assert list((folder / "elsewhere").iterdir()) == []
