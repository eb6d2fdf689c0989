"""``darban pull``: put the newest signed commit of the policy in force."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from resolver import DarbanError
from resolver.cli.command import AsJson, Config, echo, print_json
from resolver.cli.policies import compile_shown
from resolver.cli.server import PATIENCE, answer_text, ask
from resolver.compiler.compilation_result import Rejected
from resolver.compiler.settings import policy_source
from resolver.config.load import load
from resolver.config.problems import problem_lines
from resolver.fetch.policy_tree import PolicyTree, PulledPolicy
from resolver.fetch.repository import CommitRefused, FetchedCommit, PolicyRepository
from resolver.metrics.part import Answer
from resolver.policy.settings import PolicySource
from resolver.snapshot import store
from resolver.snapshot.config_files import DiskFiles
from resolver.snapshot.state_owner import as_owner, become_owner
from resolver.supervisor import control_client
from resolver.system.files import temporary_file

Bundle = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        metavar="FILE",
        help="take the branch from a file of 'git bundle create', without a network",
    ),
]
Accept = Annotated[
    bool,
    typer.Option("--accept", help="accept names that are blocked newly, and what lists have lost"),
]


def pull(
    *, bundle: Bundle = None, accept: Accept = False, config: Config, as_json: AsJson = False
) -> int:
    """Put the newest policy from git in force.

    As the server does each minute, by [policy_source]. The newest commit of the branch must descend
    from the commit in force, and all commits since must be signed with keys of the allowed signers;
    where none is in force, the signature of the newest counts. If an expectation fails, if more
    than 50 names of 'darban record --keep' are blocked newly, if a list has lost over a fifth, or
    if anything else is wrong, the policy in force stays. An unreloaded edit of the server's own
    config does not come in force with it.

    Where no server runs, or the one that runs has no [policy_source] in force, the policy is pulled
    for the next start or reload. Exits with 1 where the commit is refused, 2 where it cannot be
    fetched or has errors.

        darban pull

        darban pull --bundle /media/usb/policy.bundle
    """
    with _in_state(config, bundle) as taken:
        try:
            answer = ask(config, "pull", PATIENCE, bundle=taken and taken.name, accept=accept)
        except control_client.Unreachable:
            answer = {"result": "none"}
        if answer["result"] == "none":
            answer = _without_server(config, taken)
    if as_json:
        print_json(answer)
    else:
        echo(answer_text(config, answer, _RESULTS))
    return int(answer["code"])


_SIGNED = "commit {commit}, signed by {signer}"
_RESULTS = {
    "applied": f"{_SIGNED}, is in force",
    "written": f"{_SIGNED}, is here; the next start or 'darban reload' puts it in force",
    "unchanged": f"nothing newer; {_SIGNED}, stays",
    "refused": "not put in force; the policy in force stays",
    "failed": "nothing was pulled; the policy in force stays",
}


@contextlib.contextmanager
def _in_state(config: Path, bundle: Path | None) -> Iterator[Path | None]:
    """A copy of a bundle where the server can read it."""
    if bundle is None:
        yield None
        return
    state = store.directory(config)
    with contextlib.ExitStack() as stack:
        try:
            yield _copied(bundle, state, stack)
        finally:
            with as_owner(state):
                stack.close()


def _copied(bundle: Path, state: Path, stack: contextlib.ExitStack) -> Path:
    try:
        with bundle.open("rb") as given, as_owner(state):
            copy = stack.enter_context(temporary_file(state / "bundle"))
            with copy.open("wb") as file:
                shutil.copyfileobj(given, file)
    except OSError as error:
        raise DarbanError(f"{error.filename or state}: {error.strerror}") from None
    return copy


def _without_server(path: Path, bundle: Path | None) -> Answer:
    """Pull for the next start."""
    state = store.directory(path)
    become_owner(state)  # for good: git and the config are read as the service reads them
    loaded = load(str(path), DiskFiles(path))
    source = policy_source(loaded.config)
    if source is None:
        if errors := [problem for problem in loaded.problems if problem.severity == "error"]:
            raise DarbanError("\n".join(map(str, errors)))
        raise DarbanError(f"{path}: it has no [policy_source] with a repository to pull from")
    try:
        return asyncio.run(_pulled(path, source, PolicyTree(state), bundle))
    except OSError as error:
        raise DarbanError(f"{error.filename or state}: {error.strerror}") from None


async def _pulled(
    path: Path, source: PolicySource, tree: PolicyTree, bundle: Path | None
) -> Answer:
    repository = PolicyRepository(path, tree, source)
    try:
        fetched = await repository.fetch(bundle)
    except CommitRefused as error:
        return _answer("refused", error.commit, [str(error)], error.code)
    now = time.time()
    pulled = PulledPolicy(fetched.commit, fetched.signer, now, now, fetched.dated)
    try:
        with tree.writing(pulled):
            tree.switch(fetched.commit)
            compiled = compile_shown(path, now)
            compiled.check()
    except BaseException as error:
        tree.restore()
        if isinstance(error, Rejected):
            report = [f"{fetched}: refused:", *error.report]
            return _answer("refused", fetched, report, error.code)
        raise
    await repository.keep(fetched.commit)
    expired = pulled.expired(source.expires_days, now)
    report = [*problem_lines(compiled.problems), *expired]
    return _answer("written", fetched, report, 0)


def _answer(result: str, fetched: FetchedCommit, report: list[str], code: int) -> Answer:
    """What the server answers to ``pull``."""
    return {"result": result, **asdict(fetched), "report": report, "code": code}
