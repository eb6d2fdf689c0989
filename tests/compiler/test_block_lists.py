"""The lists of others in a config: their services, and the names that they may not block."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.analysis.explanation import Explainer
from resolver.compiler.compilation import CompileResult, compile_file
from resolver.dns import codes, names
from resolver.lists.list_reader import by_reason
from resolver.policy.index import Index
from resolver.snapshot.list_store import ListRecord, ListStore
from tests.lists.guard_sets import DOMESTIC

CONFIG = """
[lists]
directories = ["own"]
[upstream]
servers = ["dns.agency.example"]
[[forward]]
zones = ["agency.internal"]
servers = ["192.0.2.1"]
[[local]]
name = "printer.office.example"
records = ["A 10.0.0.30"]
[policies.p]
block = ["telegram", "@advertising", "@encrypted-dns"]
[vlans.v]
prefixes = ["10.0.0.0/8", "fd00::/8"]
policy = "p"
[lists.sources.more]
file = "more.txt"
format = "suffix"
service = "telegram"
[lists.sources.ads]
url = "https://lists.example/ads.txt"
format = "hosts"
category = "advertising"
"""
OWN = "! Title: Telegram\n! Category: messenger\n||telegram.org^\n"
DNS = "! Title: DNS\n! Category: encrypted-dns\n||dns.example.org^\n"
OURS = ["agency.internal", "x.agency.internal", "printer.office.example", "dns.agency.example"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "telegram.txt").write_text(OWN)
    (tmp_path / "own" / "dns.txt").write_text(DNS)
    (tmp_path / "more.txt").write_text("telegram.example\n" + "\n".join(OURS) + "\nnot ours\n")
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


def _compiled(place: Path) -> CompileResult:
    return compile_file(place / "config.toml", 1.8e9)


def _told(compiled: CompileResult, name: str) -> tuple[str, str, str, int | None]:
    snapshot = compiled.snapshot
    engine = Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), 1.8e9)
    got = engine.for_client("10.1.1.1", names.parse(name), codes.A)
    return got.outcome, got.service, got.list, got.line


def _fetched(place: Path, content: bytes) -> None:
    store = ListStore(place / ".darban")
    with store.temporary_file("ads") as file:
        file.write_bytes(content)
        record = ListRecord(sha256=hashlib.sha256(content).hexdigest())
        store.replace("ads", file, record)


def test_a_list_adds_to_a_service(place: Path) -> None:
    compiled = _compiled(place)
    assert compiled.errors == []
    assert _told(compiled, "w.telegram.example") == ("blocked", "telegram", "more.txt", 1)
    assert _told(compiled, "telegram.org")[2] == "own/telegram.txt"
    (service,) = [s for s in compiled.snapshot.compiled.services if s.name == "telegram"]
    assert (service.title, service.category, service.entries) == ("Telegram", "messenger", 2)
    counted = {s.name: s.entries for s in compiled.snapshot.compiled.sources}
    assert counted == {"telegram": 1, "dns": 1, "more": 1, "ads": 0}


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (os.mkfifo, "a named pipe"),
        (Path.mkdir, "a directory"),
        (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
    ],
    ids=["pipe", "directory", "link"],
)
def test_what_is_no_file_is_no_list(place: Path, make: Callable[[Path], None], found: str) -> None:
    make(place / "own" / "pager.txt")
    (problem,) = _compiled(place).errors
    assert str(problem) == f"own/pager.txt: found {found}; expected a list that can be read"


def test_a_list_of_others_does_not_block_domestic_messengers(place: Path) -> None:
    """A policy's own deny does."""
    hosts = [*DOMESTIC, "tapi.bale.ai", "messengerg2c1.iranlms.ir", "web.shad.ir", "eitaa.ir"]
    (place / "more.txt").write_text("\n".join(["telegram.example", *hosts]) + "\n")
    compiled = _compiled(place)
    assert [name for name in hosts if _told(compiled, name)[0] != "passed"] == []
    (read,) = [item for item in compiled.lists if item.name == "more"]
    assert len(read.skipped) == len(hosts)
    assert "a name needed for domestic messengers" in read.skipped[0].reason
    denying = CONFIG.replace("[policies.p]", '[policies.p]\ndeny = ["bale.ai"]')
    (place / "config.toml").write_text(denying)
    assert _told(_compiled(place), "tapi.bale.ai")[0] == "blocked"


def test_a_list_of_others_does_not_block_names_of_this_network(place: Path) -> None:
    compiled = _compiled(place)
    assert [name for name in OURS if _told(compiled, name)[0] != "passed"] == []
    (read,) = [item for item in compiled.lists if item.name == "more"]
    assert [line.line for line in read.skipped] == [2, 3, 6]
    assert "a zone of this network" in read.skipped[0].reason


@pytest.mark.parametrize(
    ("rule", "needed", "other"),
    [
        ("office.example", "printer.office.example", "web.office.example"),
        ("office.example", "printer.office.example", "x.printer.office.example"),
        ("printer.office.example", "printer.office.example", "x.printer.office.example"),
        ("agency.example", "dns.agency.example", "agency.example"),
        ("office.example", "x.apps.office.example", "office.example"),
        ("zone.example", "x.ad.zone.example", "x.zone.example"),
    ],
)
def test_of_a_rule_above_a_name_of_this_network_that_name_alone_passes(
    place: Path, rule: str, needed: str, other: str
) -> None:
    """Else a local record would open all that a list blocks there, and no proof would see it."""
    (place / "more.txt").write_text(f"telegram.example\n{rule}\n")
    proof = '[[expect]]\npolicy = "p"\nservices = ["telegram"]\noutcome = "blocked"\n'
    zone = '[[forward]]\nzones = ["ad.zone.example"]\nservers = ["10.0.0.10"]\n'
    local = '[[local]]\nname = "*.apps.office.example"\nrecords = ["A 10.0.0.31"]\n'
    (place / "config.toml").write_text(CONFIG + zone + local + proof)
    compiled = _compiled(place)
    assert compiled.errors == []
    assert compiled.failed == []
    assert _told(compiled, needed)[0] == "passed"
    outcome, service, _, line = _told(compiled, other)
    assert (outcome, service, line) == ("blocked", "telegram", 2)


def test_a_policy_that_opens_what_is_left_of_such_a_rule_fails_the_proof(place: Path) -> None:
    (place / "more.txt").write_text("telegram.example\noffice.example\n")
    proof = '[[expect]]\npolicy = "p"\nservices = ["telegram"]\noutcome = "blocked"\n'
    config = CONFIG.replace("[policies.p]", '[policies.p]\nallow = ["web.office.example"]')
    (place / "config.toml").write_text(config + proof)
    [failed] = _compiled(place).failed
    assert "web.office.example" in failed.text


def test_a_list_of_others_does_not_block_what_machines_need(place: Path) -> None:
    needed = ["time.windows.com", "au.download.windowsupdate.com", "microsoft.com"]
    (place / "more.txt").write_text("\n".join([*needed, "telegram.example"]))
    compiled = _compiled(place)
    assert [_told(compiled, name)[0] for name in (*needed, "telegram.example")] == [
        *("passed", "passed", "passed", "blocked")
    ]
    (read,) = [item for item in compiled.lists if item.name == "more"]
    advice = "which only a policy's deny or a list of your own blocks"
    assert by_reason(read.skipped) == {
        f"a name needed for time, {advice}": 1,
        f"a name needed for Windows Update, {advice}": 1,
        f"it covers a name needed for Windows Update, {advice}": 1,
    }
    snapshot = compiled.snapshot
    engine = Explainer(snapshot.compiled, Index(snapshot.trie, snapshot.rules), 1.8e9)
    told = engine.for_client("10.1.1.1", names.parse("w.time.windows.com"), codes.A)
    assert told.decided_by == (
        "no rule of policy p covers the name; more.txt, line 1 is not used: a name needed for "
        f"time, {advice} ('time.windows.com')"
    )


def test_the_operator_blocks_what_machines_need(place: Path) -> None:
    """By a policy's deny, and by a list of the agency's own."""
    (place / "more.txt").write_text("time.windows.com\ntelegram.example\n")
    for file, old, new in (
        ("config.toml", 'block = ["tele', 'deny = ["time.windows.com"]\nblock = ["tele'),
        ("own/telegram.txt", "||telegram.org^", "||telegram.org^\n||time.windows.com^"),
    ):
        text = (place / file).read_text()
        assert old in text
        (place / file).write_text(text.replace(old, new))
        assert _told(_compiled(place), "time.windows.com")[0] == "blocked"
        (place / file).write_text(text)


def test_a_list_that_was_never_fetched_is_a_warning(place: Path) -> None:
    compiled = _compiled(place)
    (problem,) = [problem for problem in compiled.problems if "sources.ads" in problem.path]
    assert problem.severity == "warning"
    assert "There is no copy of it, and it blocks nothing." in problem.advice
    assert _told(compiled, "a.example")[0] == "passed"


def test_a_fetched_list_is_a_service_of_its_category(place: Path) -> None:
    _fetched(place, b"0.0.0.0 a.example\n")
    compiled = _compiled(place)
    assert not [problem for problem in compiled.problems if "sources" in problem.path]
    where = "https://lists.example/ads.txt"
    assert _told(compiled, "a.example") == ("blocked", "ads", where, 1)
    assert _told(compiled, "w.a.example")[0] == "passed"


def test_a_copy_from_before_its_list_was_to_be_signed_is_used_with_a_warning(place: Path) -> None:
    _fetched(place, b"0.0.0.0 a.example\n")
    config = place / "config.toml"
    text = config.read_text()
    signed = text.replace("[lists.sources.ads]", '[lists.sources.ads]\nallowed_signers = "signers"')
    config.write_text(signed)
    compiled = _compiled(place)
    assert _told(compiled, "a.example")[0] == "blocked"
    (problem,) = [problem for problem in compiled.problems if "sources.ads" in problem.path]
    assert (problem.severity, problem.expected) == ("warning", "one that is signed")
    copies = ListStore(place / ".darban")
    copies.write_record("ads", replace(copies.record("ads"), signer="noc SHA256:0"))
    assert not [problem for problem in _compiled(place).problems if "sources.ads" in problem.path]


def test_a_damaged_copy_gives_way_to_the_one_before(place: Path) -> None:
    _fetched(place, b"0.0.0.0 a.example\n")
    _fetched(place, b"0.0.0.0 a.example\n0.0.0.0 b.example\n")
    (place / ".darban" / "lists" / "ads.list").write_bytes(b"0.0.0.0 b.exa")
    compiled = _compiled(place)
    assert _told(compiled, "a.example")[0] == "blocked"
    assert {s.name: s.fallback for s in compiled.snapshot.compiled.sources}["ads"]
    (problem,) = [problem for problem in compiled.problems if "sources.ads" in problem.path]
    assert problem.severity == "warning"
    assert "Its newest copy is damaged. The copy before it is used until" in problem.advice


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("damaged", "Its copy is damaged. Fetch it again: darban lists update ads."),
        ("missing", "Its copy is missing. Fetch it again: darban lists update ads."),
        ("no file", "Its copy cannot be read (Too many levels of symbolic links). Fetch it"),
    ],
)
def test_without_a_good_copy_the_config_is_not_put_in_force(
    fault: str, advice: str, place: Path
) -> None:
    _fetched(place, b"0.0.0.0 a.example\n")
    copy = place / ".darban" / "lists" / "ads.list"
    copy.unlink()
    if fault == "damaged":
        copy.write_bytes(b"0.0.0.0 a.exa")
    elif fault == "no file":
        copy.symlink_to(copy)
    [error] = _compiled(place).errors
    assert error.advice.startswith(advice)


def test_a_copy_that_cannot_be_used_is_a_warning(place: Path) -> None:
    _fetched(place, b"||a.example^\n")
    (problem,) = [problem for problem in _compiled(place).problems if "sources.ads" in problem.path]
    assert problem.severity == "warning"
    assert 'it looks like format = "adblock"' in problem.advice


def test_exceptions_for_names_of_many_owners_are_told(place: Path) -> None:
    config = place / "config.toml"
    config.write_text(config.read_text().replace('format = "hosts"', 'format = "adblock"'))
    _fetched(place, b"||a.example^\n@@||example^\n@@||com^\n")
    compiled = _compiled(place)
    assert _told(compiled, "a.example")[0] == "blocked"
    (problem,) = [problem for problem in compiled.problems if "sources.ads" in problem.path]
    assert problem.severity == "warning"
    assert "@@||example^ and 1 more" in problem.found


FILES = {
    "none": (None, "cannot be read: No such file"),
    "a page": (b"<html>", "Refused: a web page"),
    "binary": (b"\xff\xfe", "Refused: binary data"),
    "nothing": (b"", "Refused: no rule that blocks"),
    "of another format": (b"0.0.0.0 a.example\n", 'looks like format = "hosts"'),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_that_cannot_be_used_is_an_error(what: str, place: Path) -> None:
    content, reason = FILES[what]
    (place / "more.txt").unlink()
    if content is not None:
        (place / "more.txt").write_bytes(content)
    (error,) = _compiled(place).errors
    assert reason in error.advice
    assert error.path == "lists.sources.more.file"


def test_an_unknown_service_is_an_error(place: Path) -> None:
    text = CONFIG.replace('service = "telegram"', 'service = "telegrm"')
    (place / "config.toml").write_text(text)
    (error,) = _compiled(place).errors
    assert error.path == "lists.sources.more.service"
    assert error.advice == 'Did you mean "telegram"?'


@pytest.mark.parametrize("section", ["lists", "upstream"])
@pytest.mark.parametrize(
    ("text", "advice"),
    [(None, "It cannot be read: No such file"), ("no certificate", "It has none")],
)
def test_certificates_that_cannot_be_used_are_an_error(
    text: str | None, advice: str, section: str, place: Path
) -> None:
    if text is not None:
        (place / "agency-ca.pem").write_text(text)
    key = 'ca_file = "agency-ca.pem"'
    config = CONFIG.replace('["own"]', f'["own"]\n{key}')
    if section == "upstream":
        config = CONFIG.replace("[upstream]\n", f"[upstream]\n{key}\n")
    (place / "config.toml").write_text(config)
    [error] = _compiled(place).errors
    expected = (f"{section}.ca_file", "a file of certificates in PEM form")
    assert (error.path, error.expected) == expected
    assert error.advice.startswith(advice)


def test_ranges_belong_to_the_service_of_their_file(place: Path) -> None:
    (place / "own" / "telegram.ip").write_text("149.154.160.0/20\n149.154.0.0/8\n")
    result = _compiled(place)
    assert result.errors == []
    [wrong] = [problem for problem in result.problems if problem.file == "own/telegram.ip"]
    assert (wrong.severity, wrong.line, wrong.found) == ("warning", 2, "149.154.0.0/8")
    compiled = result.snapshot.compiled
    [source] = [compiled.sources[item.source] for item in compiled.ranges]
    assert compiled.services[source.service].name == "telegram"
    assert (source.file, source.name, source.entries) == ("own/telegram.ip", "telegram.ip", 1)
    assert "own/telegram.ip" in result.own_lists
    [telegram] = [service for service in compiled.services if service.name == "telegram"]
    assert telegram.entries == 2, "the banner and the pages call them names"


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("viber.ip", "ranges of a service without names"),
        ("telegram.ip", "no range"),
    ],
)
def test_ranges_that_would_block_nothing_are_an_error(file: str, found: str, place: Path) -> None:
    (place / "own" / file).write_text("149.154.160.0/20\n" if file == "viber.ip" else "# none\n")
    assert [error.found for error in _compiled(place).errors] == [found]


def test_a_pipe_as_the_file_of_a_list_is_an_error(place: Path) -> None:
    (place / "more.txt").unlink()
    os.mkfifo(place / "more.txt")
    (error,) = _compiled(place).errors
    assert (error.path, error.advice) == (
        "lists.sources.more.file",
        "It cannot be read: a named pipe.",
    )
