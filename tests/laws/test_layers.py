"""One order of imports, and that the inner part of it is pure."""

import pytest
from source_tree import Module, calls, imported, modules, own_imports

ORDER = (
    ("",),  # the version: a line that anybody may read
    ("errors",),  # the one root of exceptions
    ("dns",),  # names and packets: the ground that all else speaks of
    ("config",),  # what config.toml may say, in names; workers never load it
    ("lists",),  # what block lists say, in names
    ("policy",),  # config and lists compiled, and judged by
    ("answers",),  # what is known: rendered from packets, views and verdicts
    ("forwarding",),  # whom to ask for what is not known
    ("transaction",),  # what is asked and what becomes of it, as values
    ("known",),  # the cache, and who failed a moment ago
    ("replies",),  # what is said where no entry is told
    ("witness",),  # who is told of queries, besides the counters
    ("regime",),  # a snapshot made ready to judge and answer with
    ("short_way",),  # one query of a kind that has been met before
    ("query",),  # one query in order, from all of the above
    ("explanation",),  # the same order, put into words
    ("expectations",),  # the tests of a policy that its config has
    ("questions",),  # what was asked, as files tell it
    ("comparison",),  # two snapshots side by side, and what becomes of questions under both
    # Edges: they move octets, and decide nothing about DNS or policy.
    ("state", "journal"),  # to our files
    ("transports",),  # of asyncio, let go of
    ("channel", "control"),  # between our processes
    ("program",),  # how these run each other
    ("notify",),  # to the service manager
    ("telemetry",),  # counts what ``query`` tallies
    ("loop",),  # a worker's, with a short way to the sockets that matter
    ("upstream",),  # drives ``forwarding``, counts
    ("server",),  # drives ``query``, hands to ``upstream``
    ("report",),  # a policy and what came of it, for an auditor
    ("subscriptions", "web"),  # of the supervisor alone, but for pages that are printed
    # Composition: what becomes a process.
    ("compilation",),  # of a config's files and lists into a snapshot, in a process of its own too
    ("worker",),
    ("exempting",),  # a config amended by an exemption, judged, and written
    ("supervision",),  # the workers started and watched, one snapshot after another in them
    ("cli",),
    ("__main__",),
)
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}
PURE = {part for parts in ORDER[: RANK["comparison"] + 1] for part in parts}

MODULES = list(modules().values())
PURE_MODULES = [module for module in MODULES if module.part in PURE]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name or "resolver")
def test_a_module_imports_only_what_stands_before_it(module: Module) -> None:
    assert module.part in RANK, "a new part of the package needs its place in ORDER"
    later = [
        other.name
        for other in own_imports(module)
        if other.part != module.part and RANK[other.part] >= RANK[module.part]
    ]
    assert later == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for other in own_imports(modules()[name]):
                if other.name != name:
                    visit(other.name, [*path, name])
            done.add(name)

    for name in modules():
        visit(name, [])


IMPURE = {
    *("asyncio", "concurrent", "multiprocessing", "queue", "sched", "select", "selectors"),
    *("signal", "socket", "socketserver", "ssl", "subprocess", "threading", "contextvars"),
    *("logging", "warnings", "time", "random", "secrets", "uuid", "os", "sys", "io", "pathlib"),
    *("shutil", "tempfile", "glob", "fileinput", "getpass", "platform", "resource", "locale"),
    *("aiodns", "aiohttp", "prometheus_client", "typer", "rich"),
}
IMPURE_CALLS = {"open", "print", "input", "now", "today", "utcnow", "getenv", "sleep"}


@pytest.mark.parametrize("module", PURE_MODULES, ids=lambda module: module.name or "resolver")
def test_what_decides_touches_nothing_outside(module: Module) -> None:
    """No sockets, no files, no clocks, no log: values go in, values come out."""
    assert {name.partition(".")[0] for name in imported(module)} & IMPURE == set()
    assert {name for _, name in calls(module)} & IMPURE_CALLS == set()


def test_only_one_module_knows_dnslib() -> None:
    """dnslib is not safe on octets from a network; the facade sees to what reaches it."""
    knowing = [m.name for m in MODULES if any(n.startswith("dnslib") for n in imported(m))]
    assert knowing == ["dns.presentation"]


def test_only_config_and_what_compiles_it_know_pydantic_s_models() -> None:
    knowing = {m.part for m in MODULES if "config" in {o.part for o in own_imports(m)}}
    assert knowing <= {
        *("config", "policy", "expectations", "compilation", "exempting", "cli"),
    }
