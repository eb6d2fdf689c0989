"""What a reload puts in force, and what it leaves: a real rollout without workers."""

import asyncio
import math
import os
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from resolver.audit.audit_log import entries
from resolver.audit.audit_writer import AuditWriter
from resolver.audit.block_log import BlockLogWriter
from resolver.audit.reading import Reading
from resolver.compiler.compilation import compile_and_save
from resolver.compiler.compilation_result import Accepted
from resolver.fetch.policy_tree import PolicyTree, PulledPolicy
from resolver.metrics.served_config import ServedConfig
from resolver.server.worker_channel import WorkerMessage
from resolver.snapshot import store
from resolver.snapshot.config_files import SourceTexts
from resolver.supervisor import reload
from resolver.supervisor.background_tasks import BackgroundTasks
from resolver.supervisor.block_page import BlockPage
from resolver.supervisor.policy_pulls import restore_policy_files
from resolver.supervisor.reload import Reloader, SentConfig, Switch
from resolver.supervisor.requesting_user import requesting_user
from resolver.supervisor.rollout import Rollout, read
from resolver.supervisor.worker_processes import LoadFailed, WorkerSlot

TEXT = """
[lists]
directories = []
[upstream]
servers = ["192.0.2.1"]
[policies.office]
contact = "first"
deny = ["denied.example"]
[vlans.office]
prefixes = ["10.0.0.0/8"]
policy = "office"
"""
SECOND, THIRD = (TEXT.replace("first", name) for name in ("second", "third"))
FAILING = TEXT + '[[expect]]\nclient = "10.0.0.1"\nname = "denied.example"\noutcome = "passed"\n'
WHO = "uid 0"


class Worker(WorkerSlot):
    """The place of a worker that lives, and says of each snapshot whether it can load it."""

    def __init__(self, refusal: str = "") -> None:
        self.lock = asyncio.Lock()
        self.refusal = refusal
        self.loaded, self.served = "", ""

    async def prepare(self, message: WorkerMessage) -> bool:
        if self.refusal:
            raise LoadFailed(self.refusal)
        self.loaded = Path(message["snapshot"]).name
        return True

    async def commit(self) -> bool:
        self.served = self.loaded
        return True

    def send(self, message: WorkerMessage) -> None:
        if message["type"] == "forget":
            self.loaded = ""


class Server:
    """A config on disk, and what is in force."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "config.toml"
        self.file.write_text(TEXT)
        self.state = store.directory(self.file)
        first = compile_and_save(self.file, self.state, None, ())
        served = read(Path(first.snapshot))
        self.config = ServedConfig(self.file, self.state, served.compiled, served.path, 0.0)
        self.workers = [Worker(), Worker()]
        self.block_log = BlockLogWriter(self.state)
        self.rollout = Rollout(
            [*self.workers],
            served,
            self.block_log,
            BlockPage([], served.path),
            BackgroundTasks(),
        )
        audit = AuditWriter(self.state, lambda: math.inf)
        self.reloader = Reloader(
            *(self.rollout, self.config, audit, asyncio.Event()),
            partial(restore_policy_files, self.state),
            lambda: None,
        )
        self.first = first

    @property
    def in_force(self) -> str:
        """The contact of the policy in force, by which a config is told from another."""
        return self.rollout.current.compiled.policies[0].contact

    def audit(self) -> list[str]:
        return [entry.event for entry in entries(Reading(self.state).records())]


@pytest.fixture(autouse=True)
def _compiled_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def compile_here(
        config: Path,
        state: Path,
        *,
        while_serving: bool,
        sources: SourceTexts | None,
        accepted: Iterable[str],
    ) -> Accepted:
        assert while_serving
        return compile_and_save(config, state, sources, list(accepted))

    monkeypatch.setattr(reload, "compile_in_child", compile_here)


def _run(tmp_path: Path, test: Callable[[Server], Awaitable[None]]) -> None:
    async def run() -> None:
        server = Server(tmp_path)
        await test(server)
        server.block_log.stop()

    asyncio.run(run())


def test_a_reload_puts_the_config_on_disk_in_force(tmp_path: Path) -> None:
    async def edited(server: Server) -> None:
        server.file.write_text(SECOND)
        result = await server.reloader.reload("reload", WHO)
        assert (result.result, result.snapshot) == ("applied", server.config.hash)
        assert [worker.served for worker in server.workers] == [result.snapshot] * 2
        assert server.in_force == "second"
        assert (await server.reloader.reload("reload", WHO)).result == "unchanged"
        assert server.audit() == ["reload"]

    _run(tmp_path, edited)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (FAILING, "refused"),
        (TEXT + "[server]\nworkers = 9\n", "needs_restart"),
        ("[", "invalid"),
    ],
)
def test_what_is_refused_leaves_all_as_it_was(tmp_path: Path, text: str, result: str) -> None:
    async def refused(server: Server) -> None:
        server.file.write_text(text)
        assert (await server.reloader.reload("reload", WHO)).result == result
        assert (server.in_force, server.reloader.state.config_ok) == ("first", False)
        assert server.reloader.state.counts == {result: 1}
        assert server.audit() == []

    _run(tmp_path, refused)


def test_if_one_worker_cannot_load_a_snapshot_none_serves_it(tmp_path: Path) -> None:
    async def refused(server: Server) -> None:
        server.workers[1].refusal = "no memory"
        server.file.write_text(SECOND)
        result = await server.reloader.reload("reload", WHO)
        assert (result.result, result.report) == ("failed", ["no memory"])
        assert [(worker.loaded, worker.served) for worker in server.workers] == [("", "")] * 2
        assert server.in_force == "first"

    _run(tmp_path, refused)


def test_of_two_commands_that_began_with_the_same_config_the_later_is_refused(
    tmp_path: Path,
) -> None:
    async def sent(server: Server) -> None:
        before = server.config.hash
        one, other = (
            SentConfig(SourceTexts({"config.toml": text}), before) for text in (SECOND, THIRD)
        )
        results = await asyncio.gather(
            server.reloader.send("exempt", WHO, one), server.reloader.send("exempt", WHO, other)
        )
        assert [result.result for result in results] == ["applied", "failed"]
        assert server.in_force == "second"

    _run(tmp_path, sent)


def test_fetched_lists_do_not_bring_an_edit_in_force(tmp_path: Path) -> None:
    async def fetched(server: Server) -> None:
        await server.reloader.activated("start", WHO, server.first)
        server.file.write_text(SECOND)
        result = await server.reloader.lists("a list", ())
        assert result.result == "unchanged"
        assert server.in_force == "first"
        assert "edited and not reloaded" in " ".join(result.report)

    _run(tmp_path, fetched)


def test_a_start_records_since_when_an_edit_was_on_disk_and_whose_the_file_is(
    tmp_path: Path,
) -> None:
    async def started(server: Server) -> None:
        await server.reloader.activated("start", WHO, server.first)
        server.file.write_text(SECOND)
        await server.reloader.start(WHO)
        await server.reloader.start(WHO)
        server.file.write_text(THIRD)
        await server.reloader.reload("reload", WHO)
        found = [
            (entry.waited_since, entry.belongs_to)
            for entry in entries(Reading(server.state).records())
        ]
        assert found[0] == found[2] == found[3] == (0.0, ""), "nothing waited for these"
        since, owner = found[1]
        assert owner == await requesting_user(os.getuid())
        assert 0 < since <= server.file.stat().st_ctime

    _run(tmp_path, started)


@pytest.mark.processes  # git compares the files with the commit
def test_a_commit_that_is_refused_is_not_what_the_link_leads_to(tmp_path: Path) -> None:
    async def refused(server: Server) -> None:
        async def check(*_: Path) -> None:
            raise AssertionError("a config that is rejected is replayed")

        tree = PolicyTree(server.state)
        tree.directory("good").mkdir(parents=True)
        tree.switch("good")
        tree.write(PulledPolicy("good", "signer", 0.0, 0.0))
        tree.directory("bad").mkdir()
        server.file.write_text(FAILING)
        switch = Switch("pull", partial(tree.switch, "bad"), check, tree.restore)
        await server.reloader.switch(WHO, switch, ())
        assert tree.linked_commit() == "good"

    _run(tmp_path, refused)


def test_nothing_is_put_in_force_once_the_server_stops(tmp_path: Path) -> None:
    async def stopped(server: Server) -> None:
        server.file.write_text(SECOND)
        await server.reloader.stop(WHO)
        assert (await server.reloader.reload("reload", WHO)).code
        assert (server.in_force, server.reloader.state.config_ok) == ("first", True)
        assert server.audit() == ["stop"]

    _run(tmp_path, stopped)
