"""The policies that commands explain and compare: of a config file, or in force."""

import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from resolver import DarbanError
from resolver.analysis.explanation import Explainer
from resolver.cli.progress import progress
from resolver.compiler.compilation import CompileResult, compile_file
from resolver.config.problems import Problem, did_you_mean
from resolver.config.reading import ConfigFiles
from resolver.config.warnings import code_of, unacknowledged
from resolver.policy.compiled import CompiledConfig
from resolver.policy.features import Feature
from resolver.policy.index import Index
from resolver.policy.view import View
from resolver.publish.enforcers import Enforcer, Fit, deviations
from resolver.snapshot import store
from resolver.snapshot.state_owner import become_owner


def compile_shown(config: Path, wall: float, files: ConfigFiles | None = None) -> CompileResult:
    """Compile a config as ``compile_file`` does; on a terminal, show what is done."""
    with progress(f"reading {config}") as step:
        return compile_file(config, wall, files, step=step)


def compile_valid(config: Path) -> CompileResult:
    """Compile a config.

    Raises:
        DarbanError: the config has errors; the message has all of them.
    """
    compiled = compile_shown(config, time.time())
    if compiled.errors:
        raise DarbanError("\n".join(map(str, compiled.errors)))
    return compiled


def with_misfits(
    compiled: CompileResult,
    enforcer: Enforcer,
    *fits: Fit,
    only: Collection[Feature] = tuple(Feature),
) -> CompileResult:
    """Add a warning for each feature of a policy that another program enforces otherwise.

    ``fits`` are those to tell of, and so are the features in ``only``.
    """
    config, problems = compiled.loaded.config, []
    for deviation in deviations(compiled.snapshot.compiled, enforcer, time.time()):
        if deviation.support.fit in fits and not set(deviation.features).isdisjoint(only):
            path = ("policies", deviation.policy)
            code = code_of(deviation.kind, path, config)
            said = (
                ", ".join(deviation.features),
                f"what {enforcer} enforces as Darban does",
                f"{deviation}.",
            )
            problems.append(compiled.loaded.provenance.problem(path, *said, "warning", code))
    return with_warnings(compiled, problems)


def with_warnings(compiled: CompileResult, problems: list[Problem]) -> CompileResult:
    """Add warnings, except for those that the config acknowledges."""
    shown = unacknowledged(problems, compiled.loaded.config)
    known = compiled.acknowledged + len(problems) - len(shown)
    return replace(compiled, problems=[*compiled.problems, *shown], acknowledged=known)


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


def view_of_vlan(explainer: Explainer, vlan: str) -> View:
    """The view of a VLAN that a command names.

    Raises:
        DarbanError: there is no such VLAN.
    """
    view = explainer.vlan(vlan)
    if view is None:
        raise no_such_vlan(vlan, [vlan.name for vlan in explainer.compiled.vlans])
    return view


def no_such_vlan(vlan: str, known: list[str]) -> DarbanError:
    """The error for a VLAN that is not among the known ones."""
    advice = did_you_mean(vlan, known)
    there_are = f"there is no VLAN '{vlan}'; there are {', '.join(known)}. {advice}"
    return DarbanError(there_are.rstrip(" ."))
