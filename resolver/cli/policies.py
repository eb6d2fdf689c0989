"""The policies that commands explain and compare: of a config file, or in force."""

import time
from pathlib import Path

from resolver.errors import DarbanError
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.snapshot import store
from resolver.snapshot.compiler import CompileResult, compile_file
from resolver.snapshot.state_owner import become_owner


def compile_valid(config: Path) -> CompileResult:
    """Compile a config.

    Raises:
        DarbanError: the config has errors; the message has all of them.
    """
    compiled = compile_file(config, time.time())
    if compiled.errors:
        raise DarbanError("\n".join(map(str, compiled.errors)))
    return compiled


def load_snapshot(config: Path, hash_: str) -> tuple[CompiledConfig, Index]:
    """The policy that a config's server has in force, by its hash.

    Its index is mapped, and the service's user can forge it. So root gives up its rights for good:
    open before whatever only root may read.

    Raises:
        StateError: the server's state directory has no such snapshot.
    """
    state = store.directory(config)
    become_owner(state)
    return store.load(store.saved(state, hash_))
