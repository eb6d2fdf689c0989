"""What releases have stored is read by this one, and this one stores what its own files say."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from resolver import __version__
from resolver.analysis.explanation import Explainer
from resolver.audit.audit_log import AuditEntry, AuditLog, entries
from resolver.audit.figures.seal import SealedFigures
from resolver.audit.journal import HEAD
from resolver.audit.reading import Reading
from resolver.audit.verification import verify
from resolver.dns import codes, names
from resolver.snapshot import store
from tests.snapshot.save_state import CLOCK, MOMENT, SEALED, STATES, newest_saved, save_state

AFTER_WORK, AT_WORK = 1_799_870_000.0, 1_799_995_000.0
OUTCOMES = [
    ("10.10.0.5", "www.pager.example", AFTER_WORK, "blocked"),
    ("10.10.0.5", "status.pager.example", AFTER_WORK, "passed"),
    ("10.10.0.5", "help.pager.example", AFTER_WORK, "passed"),
    ("10.10.0.5", "www.denied.example", AFTER_WORK, "blocked"),
    ("fd00:10::7", "www.pager.example", AFTER_WORK, "exempted"),
    ("10.10.0.5", "forum.example", AFTER_WORK, "passed"),
    ("10.10.0.5", "forum.example", AT_WORK, "exempted"),
    ("10.30.0.5", "www.other.example", AFTER_WORK, "blocked"),
    ("10.30.0.5", "www.updates.example", AFTER_WORK, "passed"),
    ("fe80::1%eth0.30", "www.other.example", AFTER_WORK, "blocked"),
    ("10.40.0.5", "pager.example", AFTER_WORK, "would_block"),
    ("192.0.2.7", "pager.example", AFTER_WORK, "refused"),
]
"""Of each client, name and moment; the policy of the stored config gives these."""


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.parent.name)
def test_the_policy_of_a_stored_snapshot_is_as_it_was(state: Path) -> None:
    explainer = Explainer(*store.load(store.last_good(state)), AFTER_WORK)
    found = []
    for client, name, moment, _ in OUTCOMES:
        explainer.advance(moment)
        outcome = explainer.for_client(client, names.parse(name), codes.A).outcome
        found.append((client, name, moment, outcome))
    assert found == OUTCOMES


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.parent.name)
def test_the_stored_audit_log_is_read_whole(state: Path) -> None:
    (entry,) = _entries(state)
    assert (entry.time, entry.event, entry.who) == (MOMENT, "reload", "uid 1000")
    assert entry.snapshot == store.last_good(state).name
    assert [(exemption.id, exemption.hours) for exemption in entry.exemptions] == [
        ("pr-1", ""),
        ("pr-2", "office"),
    ]
    config = (state.parent / "config.toml").read_text(encoding="utf-8")
    assert AuditLog(state).text(entry.config) == {"config.toml": config}
    assert AuditLog(state).text(entry.lists).keys() == {"own", "fetched"}


WITH_HEAD = [state for state in STATES if (state / HEAD).exists()]


@pytest.mark.parametrize("state", WITH_HEAD, ids=lambda state: state.parent.name)
def test_the_stored_log_is_verified(state: Path) -> None:
    check = verify(
        state, lambda since, until: SealedFigures(SEALED[2], (since, until) == SEALED[:2]), CLOCK
    )
    assert (check.findings, check.records, check.sealed) == ([], 2, 1)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.parent.name)
def test_the_log_of_an_earlier_release_goes_on(state: Path, tmp_path: Path) -> None:
    shutil.copytree(state, tmp_path, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in tmp_path.glob("journal*")}
    AuditLog(tmp_path).stopped(CLOCK._replace(time=MOMENT + 60), "signal")
    for path, content in before.items():
        assert path.name == HEAD or path.read_bytes().startswith(content)
    reading = Reading(tmp_path)
    events = [entry.event for entry in entries(reading.records())]
    assert (events, reading.breaks) == (["reload", "stop"], [])


def _entries(state: Path) -> list[AuditEntry]:
    return list(entries(Reading(state).records()))


def _stored(state: Path) -> tuple[str, bytes, list[AuditEntry]]:
    path = store.last_good(state)
    of_any_release = [replace(entry, release="") for entry in _entries(state)]
    return path.name, (path / "terms.json").read_bytes(), of_any_release


def test_this_release_stores_what_the_newest_stored_state_has(tmp_path: Path) -> None:
    """If it stores something new: ``.venv/bin/python -m tests.snapshot.save_state``."""
    save_state(newest_saved() / "config.toml", tmp_path)
    assert _stored(tmp_path) == _stored(newest_saved() / "state")
    assert {entry.release for entry in _entries(tmp_path)} == {__version__}
