"""A hash of all files that a config is compiled from: where it is equal, so is the snapshot."""

import hashlib
import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from resolver.config.load import load
from resolver.config.model import ListsConfig
from resolver.files import read_regular
from resolver.lists.acceptance import MAX_LIST_BYTES
from resolver.snapshot import store
from resolver.snapshot.block_lists import lists_among
from resolver.snapshot.config_files import DiskFiles
from resolver.snapshot.list_store import ListStore
from resolver.snapshot.state_owner import as_owner


def source_hash(path: Path) -> str:
    """The hash of the files of a config; empty where one has an error, or cannot be read."""
    files = DiskFiles(path)
    loaded = load(str(path), files)
    if any(problem.severity == "error" for problem in loaded.problems):
        return ""
    state = store.directory(path)
    try:
        with as_owner(state):
            lists = [*_lists(path.parent, ListStore(state), loaded.config.lists)]
    except OSError:
        return ""
    time_zones = metadata.version("tzdata")  # by which hours become moments
    return _hash(json.dumps([files.texts(path.parent), lists, time_zones]).encode())


def _lists(base: Path, fetched: ListStore, config: ListsConfig) -> Iterator[tuple[str, ...]]:
    """The files of the lists, and of the certificates for fetching them."""
    for directory in config.directories:
        for file in lists_among(sorted((base / directory).iterdir())):
            yield str(file), _hash(read_regular(file, MAX_LIST_BYTES))
    for name, source in config.sources.items():
        if source.file is not None:
            yield source.file, _hash(read_regular(base / source.file, MAX_LIST_BYTES))
        else:
            for copy in fetched.copies(name):
                yield name, copy.sha256, copy.format, str(copy.newest)
    if config.ca_file is not None:
        yield config.ca_file, _hash(read_regular(base / config.ca_file, MAX_LIST_BYTES))


def _hash(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()
