"""The settings that change only with a restart, and what a reload says of them."""

import os
from collections.abc import Iterable, Iterator

from resolver.policy.compiled import CompiledConfig
from resolver.policy.settings import Endpoint


def worker_count(compiled: CompiledConfig) -> int:
    """How many workers to start: as configured, else one for each CPU of this process."""
    return compiled.settings.workers or len(os.sched_getaffinity(0))


def needs_restart(current: CompiledConfig, new: CompiledConfig) -> Iterator[str]:
    """What a config changes that cannot change while the server runs."""
    for key, (running, wanted) in restart_changes(current, new).items():
        yield (
            f"{key} needs a restart: it is {running} while the server runs, and the config says "
            f"{wanted}. Nothing was changed; restart the server, or undo the edit"
        )


def restart_changes(current: CompiledConfig, new: CompiledConfig) -> dict[str, tuple[str, str]]:
    """The settings that differ and cannot change while the server runs: their two values."""
    now, then = _values(current), _values(new)
    return {key: (now[key], then[key]) for key in now if now[key] != then[key]}


def _values(compiled: CompiledConfig) -> dict[str, str]:
    return {
        "server.listen": _listed(compiled.settings.listen),
        "server.redirected": _listed(compiled.settings.redirected),
        "server.proxy.listen": _listed(compiled.settings.proxied),
        "server.tls.listen": _listed(compiled.settings.tls_listen),
        "server.workers": str(worker_count(compiled)),
        "metrics.listen": str(compiled.settings.metrics),
        "feeds.listen": _listed(compiled.settings.feeds.listen),
        "cache.max_bytes": str(compiled.settings.cache_bytes),
        "block_page.listen": _listed(compiled.settings.block_page),
    }


def _listed(endpoints: Iterable[Endpoint]) -> str:
    return ", ".join(sorted(map(str, endpoints))) or "none"
