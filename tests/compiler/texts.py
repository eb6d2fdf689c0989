"""Snapshots of configs and lists that are never on a disk."""

from collections.abc import Mapping
from dataclasses import replace

from resolver.compiler.policy import compile_snapshot
from resolver.lists.adblock import AdblockReader
from resolver.lists.ranges import read_filter, read_ranges
from resolver.lists.rpz import RpzReader
from resolver.lists.rules import BlockList
from resolver.snapshot.snapshot import Snapshot
from tests.config.files_in_memory import load_text


def compile_texts(config: str, lists: Mapping[str, str] | None = None) -> Snapshot:
    """Compile a config and lists, the latter by service; both must be good.

    The name of an RPZ is that of the service and ".zone", of its address ranges and ".ip", of the
    addresses of a filter and ".filter", of a list of others and ".others".
    """
    loaded = load_text(config)
    texts = (lists or {}).items()
    read = [_read(name, text) for name, text in texts]
    snapshot, problems = compile_snapshot(loaded, read)
    errors = [str(problem) for problem in loaded.problems + problems if problem.severity == "error"]
    assert not errors, "\n".join(errors)
    assert not [line for item in read for line in item.skipped]
    return snapshot


def _read(name: str, text: str) -> BlockList:
    service, _, kind = name.partition(".")
    if kind == "zone":
        return RpzReader.read(text, service, name)
    if kind == "filter":
        return read_filter(text, service, name)
    if kind == "ip":
        return read_ranges(text, service, name, "messenger")
    if kind == "others":
        found = AdblockReader.read(text, service, f"https://lists.example/{service}.txt")
        return replace(found, name=name, category="messenger")
    return AdblockReader.read(text, name, f"{name}.txt")
