"""Lists that are signed: what is accepted, by which key, and what is said of the rest."""

import asyncio
import datetime as dt
import hashlib
import os
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from resolver.fetch.update import update_lists
from resolver.fetch.update_job import UpdateJob, UpdateResult
from resolver.lists.manifest import MANIFEST, SIGNATURE
from resolver.policy.settings import Endpoint, Subscription
from resolver.snapshot.list_store import ListRecord, ListStore
from tests.fetch.signing import TOMORROW, allow, make_keys, manifest, signature
from tests.fetch.source_server import Authority, Sources, response, serving
from tests.live.programs import needed

pytestmark = pytest.mark.processes

NOBODY = [Endpoint("127.0.0.1", 1)]
ADS = b"0.0.0.0 ads.example\n"
NEWER = ADS + b"0.0.0.0 more.example\n"
OTHER = b"0.0.0.0 other.example\n"
YESTERDAY = TOMORROW - dt.timedelta(2)


class Replies(dict[str, bytes]):
    """What the server says: of a path in ``first`` that first, and once."""

    def __init__(self) -> None:
        self.first: dict[str, bytes] = {}

    def get(self, path: str, default: bytes | None = None) -> bytes:  # type: ignore[override]
        return self.first.pop(path, None) or super().get(path, default or b"")


@dataclass
class Publisher:
    """Signs lists, and has them served; ``keys`` has its keys and the file of allowed signers."""

    keys: Path
    sources: Sources
    store: ListStore
    replies: Replies

    def publish(
        self,
        serial: int,
        key: str = "noc",
        namespace: str = "darban-lists",
        expires: dt.date = TOMORROW,
        **lists: bytes,
    ) -> None:
        """Publish lists; of a list, its name without the ending."""
        files = {f"{name}.txt": text for name, text in lists.items()}
        content = manifest(serial, files, expires)
        self.replies[f"/{MANIFEST}"] = response(content)
        self.replies[f"/{SIGNATURE}"] = response(signature(content, self.keys / key, namespace))
        for name, text in files.items():
            self.replies[f"/{name}"] = response(text)

    async def update(
        self, accept: bool = False, reset_serial: bool = False, signed: bool = True
    ) -> UpdateResult:
        job = UpdateJob(["it"])
        wanted = Subscription("it", self.sources.url("/ads.txt"), "hosts")
        if signed:
            wanted = replace(wanted, allowed_signers="signers")
        await update_lists(
            *(job, [wanted], self.store, NOBODY),
            accept=accept,
            reset_serial=reset_serial,
            folder=self.keys,
        )
        return job.results["it"]

    @property
    def record(self) -> ListRecord:
        return self.store.record("it")

    def copy(self) -> bytes:
        copy = self.store.newest("it")
        return b"" if copy is None else copy.content

    async def refuses(self, why: str, **options: bool) -> None:
        """The update fails for this reason, and the copy stays as it is."""
        before, entries = self.copy(), self.record.entries
        result = await self.update(**options)
        assert (result.result, result.entries) == ("failed", entries)
        assert why in result.reason, result.reason
        assert self.record.error == result.reason
        assert self.copy() == before


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needed("ssh-keygen")
    place = tmp_path_factory.mktemp("keys")
    make_keys(place, "noc", "desk")
    return place


Test = Callable[[Publisher], Awaitable[None]]


@pytest.fixture
def with_publisher(keys: Path, trusted: Authority, tmp_path: Path) -> Callable[[Test], None]:
    """Runs a test with a publisher whose list ``ads``, of serial 5, was fetched."""

    def run(test: Test) -> None:
        async def all_of_it() -> None:
            async with serving(trusted) as sources:
                sources.says = replies = Replies()
                publisher = Publisher(keys, sources, ListStore(tmp_path), replies)
                allow(publisher.keys, "noc")
                publisher.publish(5, ads=ADS)
                assert (await publisher.update()).result == "updated"
                await test(publisher)

        asyncio.run(all_of_it())

    return run


def test_a_signed_list_is_taken_with_its_signer_and_serial(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        assert publisher.copy() == ADS
        signer, _, key = publisher.record.signer.partition(" ")
        assert (signer, publisher.record.serial) == ("noc@agency.example", 5)
        assert key.startswith("SHA256:")
        asked = len(publisher.sources.asked)
        assert (await publisher.update()).result == "unchanged"
        paths = [path for path, _ in publisher.sources.asked[asked:]]
        assert paths == [f"/{MANIFEST}", f"/{SIGNATURE}"]  # the list is known by its hash
        publisher.publish(6, ads=NEWER)
        assert (await publisher.update()).result == "updated"
        assert (publisher.copy(), publisher.record.serial) == (NEWER, 6)
        publisher.publish(7, ads=NEWER)
        assert (await publisher.update()).result == "unchanged"
        assert publisher.record.serial == 7

    with_publisher(test)


def test_what_is_not_signed_by_an_allowed_key_for_lists_is_refused(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        publisher.publish(6, key="desk", ads=NEWER)
        await publisher.refuses("it is not signed by an allowed signer: by SHA256:")
        await publisher.refuses("it is not signed by an allowed signer", accept=True)
        publisher.publish(6, namespace="git", ads=NEWER)
        await publisher.refuses("its signature by noc@agency.example is not good")
        publisher.publish(6, ads=NEWER)
        publisher.replies[f"/{SIGNATURE}"] = response(b"no signature\n")
        await publisher.refuses("it is not signed by an allowed signer")
        del publisher.replies[f"/{SIGNATURE}"]
        await publisher.refuses(f"{SIGNATURE}: ")
        publisher.publish(6, ads=NEWER)
        allow(publisher.keys, "noc", options='namespaces="git"')
        await publisher.refuses("its signature by noc@agency.example is not good")
        allow(publisher.keys, "noc", options='valid-before="20200101"')
        await publisher.refuses("it is not signed by an allowed signer")
        allow(publisher.keys, "noc")
        assert (await publisher.update()).result == "updated"

    with_publisher(test)


def test_a_list_in_the_place_of_another_one_is_refused(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        publisher.publish(6, ads=NEWER, other=OTHER)
        publisher.replies["/ads.txt"] = response(OTHER)
        await publisher.refuses(f"refused: it has another SHA-256 than {MANIFEST} says")
        publisher.publish(7, other=OTHER)
        publisher.replies["/ads.txt"] = response(OTHER)
        await publisher.refuses(f"refused: {MANIFEST} does not name ads.txt")

    with_publisher(test)


def test_an_older_manifest_is_refused_until_a_person_resets_the_serial(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        publisher.publish(4, ads=OTHER)
        await publisher.refuses("its serial 4 is lower than 5, which is in force")
        await publisher.refuses("its serial 4 is lower than 5", accept=True)
        publisher.publish(5, ads=OTHER)
        await publisher.refuses("its serial 5 is that of another manifest than 5")
        publisher.publish(4, key="desk", ads=OTHER)
        await publisher.refuses("it is not signed by an allowed signer", reset_serial=True)
        publisher.publish(4, ads=OTHER)
        await publisher.refuses("its serial 4 is lower than 5")  # it was not reset in vain
        assert (await publisher.update(reset_serial=True)).result == "updated"
        assert (publisher.copy(), publisher.record.serial) == (OTHER, 4)

    with_publisher(test)


def test_with_a_damaged_manifest_of_the_copy_no_serial_is_believed_until_it_is_reset(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        record = publisher.record
        record.manifest = "{}"
        publisher.store.write_record("it", record)
        publisher.publish(6, ads=NEWER)
        await publisher.refuses(f"refused: of the copy in use, {MANIFEST} is no manifest")
        assert (await publisher.update(reset_serial=True)).result == "updated"

    with_publisher(test)


def test_an_expired_manifest_is_a_fault_and_changes_nothing(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        publisher.publish(6, expires=YESTERDAY, ads=NEWER)
        await publisher.refuses(f"{MANIFEST} has expired: it held until {YESTERDAY}")
        publisher.publish(7, expires=TOMORROW - dt.timedelta(1), ads=NEWER)
        assert (await publisher.update()).result == "updated"  # its last day counts

    with_publisher(test)


def _gigabyte() -> bytes:
    """A response of 1 MB that is a gigabyte when it is decompressed."""
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    zeros = b"0" * (1 << 20)
    begin, more = (packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return response(begin + more * 1023 + packer.flush(), Content_Encoding="gzip")


@pytest.mark.parametrize("part", [MANIFEST, SIGNATURE, "ads.txt"])
def test_what_is_cut_in_the_middle_or_much_too_large_is_refused(
    part: str, with_publisher: Callable[[Test], None]
) -> None:
    async def test(publisher: Publisher) -> None:
        publisher.publish(6, ads=NEWER)
        whole = publisher.replies[f"/{part}"]
        named = "" if part == "ads.txt" else f"{part}: "
        publisher.replies[f"/{part}"] = whole[:-9]
        await publisher.refuses(f"{named}ClientPayloadError: ")
        publisher.replies[f"/{part}"] = _gigabyte()
        await publisher.refuses(f"{named}it is larger than 64 MiB when it is decompressed")
        publisher.replies[f"/{part}"] = whole
        assert (await publisher.update()).result == "updated"

    with_publisher(test)


def test_a_manifest_has_a_mebibyte_at_most(with_publisher: Callable[[Test], None]) -> None:
    async def test(publisher: Publisher) -> None:
        content = manifest(6, {"ads.txt": NEWER}) + b" " * (1 << 20)
        publisher.replies[f"/{MANIFEST}"] = response(content)
        publisher.replies[f"/{SIGNATURE}"] = response(signature(content, publisher.keys / "noc"))
        publisher.replies["/ads.txt"] = response(NEWER)
        await publisher.refuses(f"{MANIFEST}: more than 1 MiB")

    with_publisher(test)


def test_what_is_fetched_while_it_is_published_is_fetched_again(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        old = dict(publisher.replies)
        for late in (f"/{SIGNATURE}", "/ads.txt"):
            serial = publisher.record.serial + 1
            publisher.publish(serial, ads=ADS + b"0.0.0.0 n%d.example\n" % serial)
            publisher.replies.first = {late: old[late]}
            assert (await publisher.update()).result == "updated"
            assert publisher.record.serial == serial
            old = dict(publisher.replies)

    with_publisher(test)


def test_a_key_that_was_removed_is_told_with_the_copy_that_came_by_it(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        allow(publisher.keys, "desk")
        signer = publisher.record.signer
        told = f"the copy in use came signed by {signer}: it is not signed by an allowed signer"
        await publisher.refuses(told)
        publisher.replies.clear()  # nothing can be fetched, either
        await publisher.refuses(told)
        assert publisher.record.copy_fault.startswith(told)
        publisher.publish(6, key="desk", ads=NEWER)
        assert (await publisher.update()).result == "updated"
        assert publisher.record.copy_fault == ""
        (publisher.keys / "signers").unlink()
        await publisher.refuses("signers cannot be read")

    with_publisher(test)


def test_a_copy_whose_manifest_has_expired_is_told(with_publisher: Callable[[Test], None]) -> None:
    async def test(publisher: Publisher) -> None:
        publisher.replies.clear()
        assert f"its {MANIFEST} has expired" not in (await publisher.update()).reason
        assert publisher.record.copy_fault == "", "a failed fetch is no fault of the copy"
        record = publisher.record
        expired = manifest(5, {"ads.txt": ADS}, YESTERDAY)
        record.manifest = expired.decode()
        record.signature = signature(expired, publisher.keys / "noc").decode()
        publisher.store.write_record("it", record)
        await publisher.refuses(f"and its {MANIFEST} has expired: it held until {YESTERDAY}")

    with_publisher(test)


def test_a_copy_that_was_changed_with_its_record_is_told(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        copy = publisher.store.newest("it")
        assert copy is not None
        copy.path.write_bytes(OTHER)
        record = publisher.record
        record.sha256 = hashlib.sha256(OTHER).hexdigest()
        publisher.store.write_record("it", record)
        publisher.replies.clear()
        await publisher.refuses(f"signed by {record.signer}, which does not name what it holds")

    with_publisher(test)


def test_a_copy_that_was_lost_is_fetched_again(with_publisher: Callable[[Test], None]) -> None:
    async def test(publisher: Publisher) -> None:
        copy = publisher.store.newest("it")
        assert copy is not None
        copy.path.unlink()
        assert (await publisher.update()).result == "updated"
        assert publisher.copy() == ADS

    with_publisher(test)


def test_a_copy_that_is_held_leaves_serial_and_signer_as_they_are(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        much = b"".join(b"0.0.0.0 n%d.example\n" % number for number in range(300))
        publisher.publish(6, ads=much)
        assert (await publisher.update()).result == "held"
        assert (publisher.copy(), publisher.record.serial) == (ADS, 5)
        assert (await publisher.update(accept=True)).result == "updated"
        assert publisher.record.serial == 6

    with_publisher(test)


def test_a_list_that_is_to_be_signed_from_now_on_is_not_believed_as_it_is(
    with_publisher: Callable[[Test], None],
) -> None:
    async def test(publisher: Publisher) -> None:
        assert (await publisher.update(signed=False)).result == "unchanged"
        publisher.replies["/ads.txt"] = response(NEWER)
        assert (await publisher.update(signed=False)).result == "updated"
        assert (publisher.record.signer, publisher.record.serial) == ("", 0)
        publisher.replies["/ads.txt"] = response(OTHER)
        del publisher.replies[f"/{MANIFEST}"]
        await publisher.refuses("the copy in use came without a signature")

    with_publisher(test)


FILES = b'{"format": 1, "serial": 9, "expires": "2199-01-01", "files": {%b}}'
NO_MANIFESTS = {
    b"": "is no JSON",
    b"[]": "is no manifest of format 1",
    b"\xff": "is no JSON",
    b"[" * 100_000: "is no JSON",
    FILES.replace(b'"format": 1', b'"format": 2') % b"": "is no manifest of format 1",
    FILES.replace(b"9", b"0", 1) % b"": "the serial of",
    FILES.replace(b"9", b"true", 1) % b"": "the serial of",
    FILES.replace(b"2199-01-01", b"never") % b"": "is no day such as",
    FILES.replace(b'{"format"', b'{"more": 1, "format"') % b"": "has other keys than",
    FILES % b'"ads.txt": "00"': "is no table of names and SHA-256",
    FILES % b'"../ads.txt": "%b"' % (b"0" * 64): "is no table of names and SHA-256",
    FILES % b'"a\\u0000b": "%b"' % (b"0" * 64): "is no table of names and SHA-256",
    FILES % b'"\\ud800x": "%b"' % (b"0" * 64): "is no table of names and SHA-256",
}


@pytest.mark.parametrize("content", NO_MANIFESTS, ids=range(len(NO_MANIFESTS)))
def test_a_signed_file_that_is_no_manifest_is_refused(
    content: bytes, with_publisher: Callable[[Test], None]
) -> None:
    async def test(publisher: Publisher) -> None:
        publisher.replies[f"/{MANIFEST}"] = response(content)
        publisher.replies[f"/{SIGNATURE}"] = response(signature(content, publisher.keys / "noc"))
        await publisher.refuses(NO_MANIFESTS[content])

    with_publisher(test)


def test_where_no_temporary_file_can_be_written_that_is_said(
    with_publisher: Callable[[Test], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(publisher: Publisher) -> None:
        monkeypatch.setattr("tempfile.tempdir", "/nowhere")
        await publisher.refuses("no temporary file can be written for ssh-keygen")

    with_publisher(test)


def test_without_ssh_keygen_that_is_said(
    with_publisher: Callable[[Test], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(publisher: Publisher) -> None:
        monkeypatch.setenv("PATH", os.devnull)
        await publisher.refuses("is not installed; Debian: openssh-client")

    with_publisher(test)


def test_the_same_holds_for_a_file_that_another_program_writes(keys: Path, tmp_path: Path) -> None:
    """By a ``file:`` URL, as from a share or a medium."""
    store = ListStore(tmp_path / "state")
    allow(keys, "noc")
    wanted = Subscription("it", (tmp_path / "ads.txt").as_uri(), "hosts", "signers")

    def update() -> UpdateResult:
        job = UpdateJob(["it"])
        asyncio.run(update_lists(job, [wanted], store, NOBODY, folder=keys))
        return job.results["it"]

    (tmp_path / "ads.txt").write_bytes(ADS)
    assert f"{MANIFEST}: " in update().reason
    content = manifest(1, {"ads.txt": ADS})
    (tmp_path / MANIFEST).write_bytes(content)
    (tmp_path / SIGNATURE).write_bytes(signature(content, keys / "noc"))
    assert update().result == "updated"
    (tmp_path / "ads.txt").write_bytes(OTHER)
    assert update().result == "unchanged"  # the manifest names the copy, so nothing else is read
