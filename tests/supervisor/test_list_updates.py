"""When a list is fetched again, and what is kept of it meanwhile."""

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from resolver.compiler.compilation import compile_file
from resolver.metrics.part_states import FetchedLists, FetchState
from resolver.metrics.served_config import ServedConfig
from resolver.policy.settings import Subscription
from resolver.snapshot.list_store import ListRecord, ListStore, asked
from resolver.supervisor.list_updates import DAY, ListUpdates, due
from resolver.supervisor.reload import ReloadResult
from tests.fetch.source_server import Authority, Sources, response, serving

pytestmark = pytest.mark.processes

LIST = Subscription("it", "https://lists.test/it", "hosts")
FETCHED = ListRecord(LIST.url, LIST.format, updated=1e9, tried=1e9, asked=asked(LIST))
_CONFIG = """
[lists]
directories = []
[lists.sources.it]
url = "{url}"
format = "hosts"
category = "advertising"
"""


_APPLIED = ReloadResult("applied", 0, "0123", [])


def _state(updates: ListUpdates) -> FetchState:
    [found] = updates.states()
    assert isinstance(found, FetchedLists)
    return found.by_name["it"]


def _pause(record: ListRecord) -> float:
    return due(LIST, record) - record.tried


def test_a_list_that_was_never_fetched_is_due() -> None:
    assert due(LIST, ListRecord()) == 0


def test_a_list_is_fetched_once_a_day_and_not_all_at_the_same_time() -> None:
    pauses = {_pause(replace(FETCHED, tried=1e9 + n)) for n in range(100)}
    assert all(0.9 * DAY <= pause <= 1.1 * DAY for pause in pauses)
    assert max(pauses) - min(pauses) > 0.1 * DAY
    assert _pause(FETCHED) == _pause(FETCHED)


@pytest.mark.parametrize("failures", [0, 5])
@pytest.mark.parametrize("change", [{"url": "https://other.test/"}, {"format": "plain"}])
def test_a_list_that_the_config_has_changed_is_due(change: dict[str, str], failures: int) -> None:
    """At once, also where the fetches of what it was before have failed."""
    assert due(replace(LIST, **change), replace(FETCHED, failures=failures)) == 0


def test_a_list_that_fails_is_tried_sooner_and_less_and_less_often() -> None:
    pauses = [_pause(replace(FETCHED, failures=n)) for n in range(1, 2000)]
    assert pauses[0] < 400
    assert pauses[3] > 2000
    assert max(pauses) <= 1.1 * DAY / 4
    assert min(pauses[10:]) >= 0.9 * DAY / 4


def _put(store: ListStore, text: str) -> ListRecord:
    with store.temporary_file("it") as file:
        file.write_text(text)
        record = ListRecord(sha256=hashlib.sha256(text.encode()).hexdigest())
        store.replace("it", file, record)
        return record


def _copies(store: ListStore) -> list[tuple[bytes, bool]]:
    return [(copy.content, copy.newest) for copy in store.copies("it")]


def test_the_copy_before_takes_its_place_again(tmp_path: Path) -> None:
    store = ListStore(tmp_path)
    one = _put(store, "one")
    _put(store, "two")
    assert _copies(store) == [(b"two", True), (b"one", False)]
    store.restore_previous("it", one)
    assert _copies(store) == [(b"one", True)]


def test_a_first_copy_that_is_taken_back_leaves_none(tmp_path: Path) -> None:
    store = ListStore(tmp_path)
    _put(store, "one")
    store.restore_previous("it", ListRecord())
    assert _copies(store) == []


@pytest.mark.parametrize("octets", [b"", b"tw", b"two\0\0"])
def test_a_damaged_copy_is_not_used_and_takes_no_place(octets: bytes, tmp_path: Path) -> None:
    store = ListStore(tmp_path)
    _put(store, "one")
    _put(store, "two")
    (store.directory / "it.list").write_bytes(octets)
    assert _copies(store) == [(b"one", False)]
    assert store.newest("it") is None
    assert store.damage("it") == "is damaged"
    _put(store, "three")
    assert _copies(store) == [(b"three", True), (b"one", False)]
    assert store.newest("it") is not None


def test_an_interrupted_replacement_leaves_a_copy(tmp_path: Path) -> None:
    store = ListStore(tmp_path)
    copy, before = store.directory / "it.list", store.directory / "it.before"
    _put(store, "one")
    copy.rename(before)
    assert _copies(store) == [(b"one", True)]
    copy.write_bytes(b"two")  # whose record was not written
    assert _copies(store) == [(b"one", True)]


def test_a_record_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    store = ListStore(tmp_path)
    record = _put(store, "one")
    plain = asdict(record)
    for later in ("before", "asked", "held"):
        del plain[later]
    (store.directory / "it.json").write_text(json.dumps(plain))
    assert store.record("it") == record
    assert _copies(store) == [(b"one", True)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 1}', "null", '"x"'])
def test_a_record_that_cannot_be_read_is_empty(text: str, tmp_path: Path) -> None:
    store = ListStore(tmp_path)
    store.directory.mkdir()
    (store.directory / "it.json").write_text(text)
    assert store.record("it") == ListRecord()


async def _no_reset(who: str) -> None:
    raise AssertionError(who)


@asynccontextmanager
async def updating(
    trusted: Authority,
    place: Path,
    put_in_force: Callable[[str, Sequence[str]], Awaitable[ReloadResult]],
) -> AsyncIterator[tuple[ListUpdates, Sources]]:
    """The updates of one list, ``it``, and its source."""
    async with serving(trusted) as sources:
        config = place / "config.toml"
        config.write_text(_CONFIG.format(url=sources.url("/it")), encoding="utf-8")
        compiled = compile_file(config, 1e9).snapshot.compiled
        served = ServedConfig(config, place, compiled, place / "0123", 1.0)
        sources.says["/it"] = response(b"0.0.0.0 a.example\n")
        yield ListUpdates(served, put_in_force, _no_reset), sources


def test_a_fault_ends_an_update_and_not_those_after_it(
    trusted: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = 0

    async def put_in_force(_: str, __: Sequence[str]) -> ReloadResult:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise OSError("no room")
        return _APPLIED

    async def run() -> None:
        async with updating(trusted, tmp_path, put_in_force) as (updates, sources):
            running = asyncio.create_task(updates.run())
            while not _state(updates).failures:  # by itself
                await asyncio.sleep(0.01)
                assert not running.done()
            assert "list it: OSError: no room" in caplog.text
            sources.says["/it"] = response(b"0.0.0.0 a.example\n0.0.0.0 b.example\n")
            assert (await updates.update(["it"], accept=False)).results["it"].entries == 2
            assert not running.done()
            running.cancel()
            assert (asked, _state(updates).failures) == (2, 1)

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_list_for_whose_names_expectations_fail_is_held_alone(
    trusted: Authority, tmp_path: Path
) -> None:
    refused = ReloadResult("refused", 1, "0123", ["t.me is open"], ("it",))
    store, refusals = ListStore(tmp_path), [refused]

    async def put_in_force(_: str, __: Sequence[str]) -> ReloadResult:
        return refusals.pop() if refusals else _APPLIED

    async def run() -> None:
        async with updating(trusted, tmp_path, put_in_force) as (updates, sources):
            config = tmp_path / "config.toml"
            more = _CONFIG.format(url=sources.url("/other")).replace("sources.it", "sources.other")
            _, _, table = more.partition("directories = []\n")
            config.write_text(config.read_text() + table)
            compiled = compile_file(config, 1e9).snapshot.compiled
            served = ServedConfig(config, tmp_path, compiled, tmp_path / "0123", 1.0)
            sources.says["/other"] = response(b"0.0.0.0 b.example\n")
            updates = ListUpdates(served, put_in_force, _no_reset)
            results = (await updates.update([], accept=False)).results
            assert (results["it"].result, results["it"].reason) == ("held", "t.me is open")
            assert (store.record("it").breaks, _copies(store)) == ("t.me is open", [])
            assert _state(updates).held
            assert (results["other"].result, results["other"].reason) == ("updated", "")
            assert (await updates.update(["it"], accept=False)).results["it"].result == "updated"
            assert (store.record("it").is_held, len(_copies(store))) == (False, 1)

    asyncio.run(asyncio.wait_for(run(), 30))


def test_an_update_whose_code_cannot_be_loaded_ends(
    trusted: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put_in_force(_: str, __: Sequence[str]) -> ReloadResult:
        return _APPLIED

    async def run() -> None:
        async with updating(trusted, tmp_path, put_in_force) as (updates, _):
            with monkeypatch.context() as missing:
                missing.setitem(sys.modules, "resolver.fetch.update", None)
                job = await updates.update(["it"], accept=False)
            assert job.results["it"].result == "failed"
            job = await updates.update(["it", "it"], accept=False)
            assert (job.names, job.results["it"].entries) == (["it"], 1)

    asyncio.run(asyncio.wait_for(run(), 30))


def test_what_is_wrong_with_the_copy_is_known_after_a_start(
    trusted: Authority, tmp_path: Path
) -> None:
    async def put_in_force(_: str, __: Sequence[str]) -> ReloadResult:
        return _APPLIED

    async def run() -> None:
        ListStore(tmp_path).write_record("it", replace(FETCHED, copy_fault="signed by noc"))
        async with updating(trusted, tmp_path, put_in_force) as (updates, _):
            assert _state(updates).copy_fault == "signed by noc"
            await updates.update(["it"], accept=False)
            assert _state(updates).copy_fault == ""

    asyncio.run(run())
