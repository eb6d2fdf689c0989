"""One order of imports, and that the inner part of it is pure."""

import pytest

from tests.laws.package_order import ORDER
from tests.laws.source_tree import (
    Module,
    absent,
    calls,
    imported,
    importers,
    modules,
    own_imports,
)

RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}
PURE = {"dns", "config", "lists", "policy", "exchange", "engine"}

MODULES = list(modules().values())
LEAF = importers()
PURE_OF_PUBLISH = {
    f"publish.{name}"
    for name in (
        *("policy_zones", "client_prefixes", "service_ranges", "zone_text", "serial_query"),
        *("left_out", "feeds"),
    )
}
"""What is in the zones; the rest of the package writes them."""
PURE_ALONE = PURE_OF_PUBLISH | {
    *("", "system.english", "system.solar_hijri"),
    *("metrics.faults", "metrics.unknown_clients"),
    *("audit.figures.counts", "audit.figures.gathering", "audit.figures.small_counts"),
    *("audit.retention_clock", "audit.record", "audit.seals"),
    *("audit.coverage", "audit.period", "audit.period_report", "audit.period_values"),
    *("audit.policy_report", "audit.effective_policy", "audit.statement"),
    *("snapshot.snapshot", "snapshot.form_1", "compiler.packed_rules"),
}
PURE_MODULES = [module for module in MODULES if module.part in PURE or module.name in PURE_ALONE]


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


def test_these_laws_name_only_what_exists() -> None:
    assert {part for part in RANK if part not in {module.part for module in MODULES}} == set()
    assert PURE - RANK.keys() == set()
    assert PURE_ALONE - modules().keys() == set()
    assert absent(IMPURE) == []


@pytest.mark.parametrize("module", PURE_MODULES, ids=lambda module: module.name or "resolver")
def test_what_decides_touches_nothing_outside(module: Module) -> None:
    """No sockets, no files, no clocks, no log: values go in, values come out."""
    assert {name.partition(".")[0] for name in imported(module)} & IMPURE == set()
    assert {name for _, name in calls(module)} & IMPURE_CALLS == set()


def test_only_one_module_knows_dnslib() -> None:
    """dnslib is not safe on octets from a network; the facade sees to what reaches it."""
    knowing = [m.name for m in MODULES if any(n.startswith("dnslib") for n in imported(m))]
    assert knowing == ["dns.presentation"]


def test_only_the_figures_know_sqlite() -> None:
    assert {m.part for m in MODULES if "sqlite3" in imported(m)} == {"audit"}


def test_only_one_module_knows_yaml() -> None:
    """It bounds what a file of somebody else can do."""
    knowing = [m.name for m in (*MODULES, *LEAF) if "yaml" in imported(m)]
    assert knowing == ["darban_import.yaml_text"]


def test_nothing_imports_the_importers() -> None:
    """They are found by their entry points, and all else works without them."""
    assert LEAF
    assert not [m.name for m in MODULES if any(n.startswith("darban_import") for n in imported(m))]


def test_the_importers_stand_on_lists_and_the_model_of_a_config() -> None:
    parts = {other.part for module in LEAF for other in own_imports(module)}
    assert parts == {"", "config", "dns", "lists", "policy", "system"}


def test_only_config_and_what_compiles_it_know_pydantic_s_models() -> None:
    knowing = {m.part for m in MODULES if "config" in {o.part for o in own_imports(m)}}
    assert knowing == {"config", "analysis", "compiler", "cli"}
