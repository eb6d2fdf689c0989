"""Two hundred corrupted downloads of each format: none is applied, each is reported."""

import asyncio
import hashlib
import time
from pathlib import Path

import pytest

from resolver.fetch.update import update_lists
from resolver.fetch.update_job import UpdateJob
from resolver.lists.formats import FORMATS
from resolver.policy.settings import Endpoint, Subscription
from resolver.snapshot.list_store import ListRecord, ListStore
from tests.fetch.corruptions import COUNT, corrupted, good
from tests.fetch.source_server import Authority, serving

pytestmark = pytest.mark.processes

_NOBODY = [Endpoint("127.0.0.1", 1)]


def _shelve(store: ListStore, name: str, url: str, kind: str) -> ListRecord:
    """A last good copy, a day old."""
    content = good(kind)
    record = ListRecord(url, kind, '"old"', "", hashlib.sha256(content).hexdigest(), 100)
    record.updated = record.tried = time.time() - 86_400
    with store.temporary_file(name) as file:
        file.write_bytes(content)
        store.replace(name, file, record)
    return record


@pytest.mark.parametrize("kind", FORMATS)
def test_no_corrupted_download_is_applied(kind: str, trusted: Authority, tmp_path: Path) -> None:
    store = ListStore(tmp_path)
    cases = corrupted(kind)
    assert len({said for _, said in cases}) == COUNT

    async def fetch_all() -> UpdateJob:
        async with serving(trusted) as sources:
            wanted = []
            for number, (_, said) in enumerate(cases):
                name = f"list-{number}"
                sources.says[f"/{number}"] = said
                url = sources.url(f"/{number}")
                wanted.append(Subscription(name, url, kind))
                _shelve(store, name, "https://before.test/", kind)
            job = UpdateJob([subscription.name for subscription in wanted])
            await update_lists(job, wanted, store, _NOBODY)
            return job

    job = asyncio.run(fetch_all())
    for number, (what, _) in enumerate(cases):
        name = f"list-{number}"
        result, record = job.results[name], store.record(name)
        held = what.startswith("shrunk")
        assert (result.result, result.entries) == ("held" if held else "failed", 100), what
        assert result.reason, what
        assert (record.error, record.failures) == (("", 0) if held else (result.reason, 1)), what
        assert str(record.held or "") == (result.reason if held else ""), what
        assert next(store.copies(name)).content == good(kind), what
    left = [path.name for path in (tmp_path / "lists").iterdir() if path.name.startswith(".")]
    assert left == []
