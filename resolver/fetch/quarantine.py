"""Where git fetches into, so that only what may be used comes to the commits that are kept.

A fetch goes into a repository of its own, which sees the commits that are kept. It is removed
whatever comes of the fetch. What is left of a fetch that was killed, the next fetch and the next
start remove.
"""

import contextlib
from collections.abc import AsyncIterator

from resolver.fetch.git import LONG, run_git
from resolver.fetch.policy_tree import PolicyTree
from resolver.system.files import make_directory, rename_synced


@contextlib.asynccontextmanager
async def quarantined(tree: PolicyTree) -> AsyncIterator[None]:
    """Let ``tree.incoming`` be a repository without references while the body runs.

    Raises GitFailed and OSError.
    """
    tree.remove_incoming()
    try:
        for place in (tree.repository, tree.incoming):
            if not (place / "HEAD").exists():
                make_directory(place)
                await run_git(place, "init", "--quiet", "--bare", "--template=")
        info = tree.incoming / "objects/info"
        info.mkdir(exist_ok=True)
        (info / "alternates").write_text(f"../../{tree.repository.name}/objects\n")
        yield
    finally:
        tree.remove_incoming()


async def release(tree: PolicyTree) -> None:
    """Keep what the references of ``tree.incoming`` lead to; raises GitFailed and OSError.

    It is packed anew, since a server can send more than the commits that it was asked for.
    """
    fetched = tree.incoming / "objects/pack"
    if not any(fetched.glob("*.pack")):
        return  # it was here already
    await run_git(tree.incoming, "repack", "-a", "-d", "-l", "--quiet", seconds=LONG)
    for suffix in (".pack", ".rev", ".idx"):  # git looks for the last
        for file in fetched.glob(f"*{suffix}"):
            rename_synced(file, tree.repository / "objects/pack" / file.name)
