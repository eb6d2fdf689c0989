"""What is counted of a block log, whatever state its files are in."""

import json
import os
from pathlib import Path

import pytest

from resolver.audit import block_log_reading
from resolver.audit.block_log_reading import BlockedName, BlockedQueries, blocked_queries

NOW = 1_780_000_000.0  # 2026-05-28T20:26:40Z
WEB = BlockedName("web.telegram.org", "telegram", "blocked", "")


def _line(time: str, client: str = "10.10.3.7", vlan: str = "office", name: str = WEB.name) -> str:
    record = {"time": f"2026-05-28T{time}.000Z", "vlan": vlan, "client": client}
    return json.dumps({**record, **WEB._replace(name=name)._asdict()}) + "\n"


def _write(state: Path, name: str, text: str, at: float = NOW) -> None:
    (state / name).write_text(text, encoding="utf-8")
    os.utime(state / name, (at, at))


def _read(state: Path, address: str | None = "10.10.3.7", hours: float = 1) -> BlockedQueries:
    return blocked_queries(state, NOW - hours * 3600, NOW, "office", address)


def test_rotated_files_are_read_as_far_as_the_time_needs(tmp_path: Path) -> None:
    _write(tmp_path, "blocks-2026-05-28-000.jsonl", "damaged\n" * 3 + _line("10:00:00"), NOW - 9000)
    _write(tmp_path, "blocks-2026-05-28-001.jsonl", "not read\n", NOW - 7200)
    _write(tmp_path, "blocks-2026-05-28-002.jsonl", _line("19:00:00") + _line("19:40:00"))
    _write(tmp_path, "blocks.jsonl", _line("20:00:00") + _line("20:10:00")[:90])
    _write(tmp_path, "blocks.jsonl.bak", _line("20:00:00"))
    queries = _read(tmp_path)
    assert queries.counts == {WEB: 2}
    assert queries.begins == NOW - 37_600
    assert queries.unreadable == 4, "the torn line, and those before the first"
    assert _read(tmp_path, hours=24).counts == {WEB: 4}


def test_strange_lines_are_counted_as_such(tmp_path: Path) -> None:
    strange = ["[]\n", "7\n", "\0" * 200_000 + "\n", '{"time": "2026-05-28T20:00:00Z"}\n', "é\n"]
    text = "".join(
        [
            *strange,
            "[" * 5000 + "\n",
            _line("20:20:00"),
            _line("23:00:00"),
        ]
    )
    _write(tmp_path, "blocks.jsonl", text)
    queries = _read(tmp_path)
    assert (queries.counts, queries.to_come) == ({WEB: 1}, 1)
    assert queries.unreadable >= 6


@pytest.mark.parametrize(
    ("client", "address", "counted"),
    [
        ("10.10.3.7", "10.10.3.7", True),
        ("10.10.3.7", "10.10.3.8", False),
        ("10.10.3.0/24", "10.10.3.8", True),
        ("10.10.4.0/24", "10.10.3.8", False),
        ("fd00:10::/64", "fd00:10::5", True),
        ("fe80::1", "fe80::1%eth0", True),
        ("10.10.3.7", "fd00:10::5", False),
        ("10.10.3.7", None, True),
    ],
)
def test_a_line_is_of_a_client_that_it_names(
    tmp_path: Path, client: str, address: str | None, counted: bool
) -> None:
    _write(tmp_path, "blocks.jsonl", _line("20:00:00", client))
    queries = _read(tmp_path, address)
    assert queries.counts == ({WEB: 1} if counted else {})
    assert queries.prefixes == ({client} if counted and "/" in client else set())


def test_a_line_with_the_vlan_alone_is_of_no_address(tmp_path: Path) -> None:
    lines = [_line("20:00:00", vlan, vlan) for vlan in ("office", "office", "other")]
    _write(tmp_path, "blocks.jsonl", "".join(lines))
    assert (_read(tmp_path).counts, _read(tmp_path).without_client) == ({}, 2)
    assert _read(tmp_path, None).counts == {WEB: 2}


def test_names_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_log_reading, "_ROOM", 2)
    names = ("a.example", "b.example", "c.example", "a.example")
    _write(tmp_path, "blocks.jsonl", "".join(_line("20:00:00", name=name) for name in names))
    queries = _read(tmp_path)
    assert (sorted(queries.counts.values()), queries.without_room) == ([1, 2], 1)


def test_without_files_nothing_is_counted(tmp_path: Path) -> None:
    assert _read(tmp_path) == BlockedQueries()
