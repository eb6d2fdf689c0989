"""What a worker loads, started often and one a CPU; and a supervisor, which stays for years."""

import subprocess
import sys

import pytest

from tests.laws.source_tree import absent

pytestmark = pytest.mark.processes

HEAVY = {
    *("pydantic", "pydantic_core", "aiohttp", "typer", "rich", "publicsuffixlist"),
    *("aiodns", "pycares", "prometheus_client", "dnslib", "idna", "tomllib", "tomlkit"),
    *("jinja2", "markupsafe"),
    *(
        "resolver.config",
        "resolver.fetch",
        "resolver.cli",
        "resolver.web",
    ),
    *("resolver.supervisor", "resolver.analysis", "resolver.compiler.policy"),
}
SHOWN = "import sys, resolver.{module}; print(*sorted(sys.modules), sep='\\n')"


def loaded_by(module: str) -> set[str]:
    code = SHOWN.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def assert_none_loaded(loaded: set[str], forbidden: set[str]) -> None:
    """None of the modules is loaded, and all of them exist."""
    assert absent(forbidden) == []
    assert loaded & forbidden == set()


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return loaded_by("server.worker")


def test_a_worker_loads_nothing_heavy(loaded: set[str]) -> None:
    assert "resolver.engine.engine" in loaded
    assert_none_loaded(loaded, HEAVY)


def test_all_that_a_worker_loads_is_needed_by_what_it_serves_with(loaded: set[str]) -> None:
    own = {name.split(".")[1] for name in loaded if name.startswith("resolver.")}
    assert own == {
        *(
            "dns",
            "engine",
            "exchange",
            "metrics",
            "policy",
            "server",
            "snapshot",
            "system",
            "transport",
            "upstream",
        ),
    }


def test_a_supervisor_loads_nothing_that_reading_a_config_takes() -> None:
    loaded = loaded_by("supervisor.supervisor")
    assert "resolver.compiler.child_compiler" in loaded
    reading = {"pydantic", "tomllib", "tomlkit", "publicsuffixlist", "dnslib", "resolver.config"}
    assert_none_loaded(loaded, {*reading, "resolver.compiler.compilation"})


def test_what_compiles_a_config_loads_no_event_loop() -> None:
    loaded = loaded_by("compiler.compilation")
    assert "resolver.config.load" in loaded
    assert_none_loaded(loaded, {"asyncio", "aiohttp", "logging", "rich", "typer"})


def test_the_command_line_loads_a_command_only_when_it_is_used() -> None:
    loaded = loaded_by("cli.app")
    assert "typer" in loaded
    heavy = {"asyncio", "aiohttp", "pydantic", "resolver.config", "resolver.snapshot"}
    assert_none_loaded(loaded, heavy)


@pytest.mark.parametrize("page", ["metrics_page", "status_page", "status_json"])
def test_the_pages_of_the_metrics_server_load_nothing_that_judges_a_name(page: str) -> None:
    assert_none_loaded(loaded_by(f"web.{page}"), {"resolver.analysis", "resolver.engine.engine"})


@pytest.mark.parametrize("page", ["metrics_page", "status_page", "block_page"])
def test_what_serves_a_page_loads_jinja2_with_the_first_page_only(page: str) -> None:
    reading = {"pydantic", "tomlkit", "publicsuffixlist", "dnslib", "resolver.config"}
    assert_none_loaded(loaded_by(f"web.{page}"), {*reading, "jinja2"})


def test_what_serves_the_block_page_loads_no_event_loop_and_no_aiohttp() -> None:
    heavy = {"asyncio", "aiohttp", "jinja2", "logging", "ssl", "resolver.config"}
    assert_none_loaded(loaded_by("web.block_page"), heavy)


def test_the_core_loads_no_event_loop() -> None:
    loop = {"asyncio", "socket", "logging", "selectors"}
    assert_none_loaded(loaded_by("analysis.explanation"), loop)
