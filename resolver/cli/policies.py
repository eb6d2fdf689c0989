"""The policies that commands explain and compare: of a config file, or in force."""

import time
from pathlib import Path

from resolver.errors import DarbanError
from resolver.policy.index import Index
from resolver.snapshot.compiler import CompileResult, compile_file


def compile_valid(config: Path) -> CompileResult:
    """Compile a config.

    Raises:
        DarbanError: the config has errors; the message has all of them.
    """
    compiled = compile_file(config, time.time())
    if compiled.errors:
        raise DarbanError("\n".join(map(str, compiled.errors)))
    return compiled


def index_of(compiled: CompileResult) -> Index:
    """The rule index of a compiled config."""
    return Index(compiled.snapshot.trie, compiled.snapshot.rules)
