"""Snapshots of configs and lists that are never on a disk."""

from collections.abc import Mapping

from resolver.lists.adblock import AdblockReader
from resolver.lists.rpz import RpzReader
from resolver.policy.compiled import Snapshot
from resolver.snapshot.policy import compile_snapshot
from tests.config.files_in_memory import load_text


def compile_texts(config: str, lists: Mapping[str, str] | None = None) -> Snapshot:
    """Compile a config and lists, the latter by service; both must be good.

    The name of an RPZ is that of the service and ".zone".
    """
    loaded = load_text(config)
    texts = (lists or {}).items()
    read = [
        RpzReader.read(text, name.removesuffix(".zone"), name)
        if name.endswith(".zone")
        else AdblockReader.read(text, name, f"{name}.txt")
        for name, text in texts
    ]
    snapshot, problems = compile_snapshot(loaded.config, loaded.provenance, read)
    errors = [str(each) for each in loaded.problems + problems if each.severity == "error"]
    assert not errors, "\n".join(errors)
    assert not [line for each in read for line in each.skipped]
    return snapshot
