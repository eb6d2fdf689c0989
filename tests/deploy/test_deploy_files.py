"""What lies in deploy/ is sound as far as it can be told without running it."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from resolver.compiler.compilation import compile_file
from resolver.publish.dnsdist_front import front_config
from tests.documents.pages import PAGES, Block, blocks
from tests.live.installed import released_lists
from tests.live.programs import needed

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OTHER_SCRIPTS = [DEPLOY / "is-ready", DEPLOY / "bird" / "darban-anycast"]
OTHER_SCRIPTS += [DEPLOY / "router" / "darban-fetch", DEPLOY / "unbound" / "darban-root-zone"]
OTHER_SCRIPTS += DEPLOY.glob("debian/*/darban*.p*")
OTHER_SCRIPTS += [*ROOT.glob("tests/**/*.sh"), *ROOT.glob("resolver/**/*.sh")]
_LINK = re.compile(r"\]\((?:\.\./)+(deploy/[^)#]+)")
NOT_PACKAGED = {"deploy/Containerfile", "deploy/compose.yaml"}
"""What is of use beside the source alone."""
SCRIPTS = sorted([*DEPLOY.rglob("*.sh"), *OTHER_SCRIPTS])


@pytest.mark.processes
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_shell_scripts_draw_no_warning(script: Path) -> None:
    shellcheck = needed("shellcheck")
    done = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


def test_all_lists_of_the_release_are_installed() -> None:
    """By `make install`, in the container and in the package: they read the same patterns."""
    patterns = (DEPLOY / "debian/darban-lists/darban-lists.install").read_text(encoding="utf-8")
    found = {path.name for line in patterns.splitlines() for path in ROOT.glob(line.split()[0])}
    assert found == released_lists()


def test_the_package_has_the_files_that_its_pages_link() -> None:
    lines = (DEPLOY / "debian/darban/darban.install").read_text(encoding="utf-8").splitlines()
    installed = [line.split()[0] for line in lines if "share/doc" in line]
    pages = [path for path in PAGES if str(path.relative_to(ROOT)).startswith(tuple(installed))]
    links = {link for page in pages for link in _LINK.findall(page.read_text(encoding="utf-8"))}
    found = {item for item in links if not item.startswith(tuple(installed))}
    assert "deploy/reference.toml" in links
    assert found == NOT_PACKAGED


def test_the_container_is_made_of_what_there_is() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ")]
    own = [name for names in copied if not names[0].startswith("--") for name in names]
    assert {"resolver", "blocklists", "deploy", "requirements"} <= set(own)
    for name in own:
        assert (ROOT / name).exists(), name
    assert os.access(DEPLOY / "container-entry.sh", os.X_OK)


def test_images_of_others_are_pinned_by_digest() -> None:
    container = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    images = re.findall(r"^ARG BASE=(\S+)$", container, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", container, re.MULTILINE)) == {"$BASE"}
    images += re.findall(r"^ +image: (\S+)$", compose, re.MULTILINE)
    images.remove("darban")
    assert len(images) == 3
    for image in images:
        assert re.fullmatch(r"[a-z/]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}", image), image


@pytest.mark.parametrize(
    "block",
    [block for block in blocks("toml") if "\n[front]\n" in block.text],
    ids=str,
)
def test_the_configs_with_dnsdist_have_its_nodes(tmp_path: Path, block: Block) -> None:
    config = tmp_path / "config.toml"
    shipped = (ROOT / "config.toml").read_text(encoding="utf-8")
    lists = f"[lists]\ndirectories = ['{ROOT / 'blocklists'}']\n"
    config.write_text("\n".join([shipped, lists, block.text]), encoding="utf-8")
    compiled = compile_file(config, time.time())
    front = compiled.snapshot.compiled.settings.front
    assert front is not None
    asked = re.findall('newServer.*address="([^"]+)"', front_config(front, tmp_path))
    assert {*asked} == {*map(str, front.nodes)}


def test_compose_mounts_what_there_is() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    mounted = re.findall(r"^ +- \./(\S+?):", text, re.MULTILINE)
    assert mounted
    for name in mounted:
        assert any((DEPLOY / name).iterdir()), name
    [context] = re.findall(r"^ +context: (\S+)$", text, re.MULTILINE)
    [file] = re.findall(r"^ +dockerfile: (\S+)$", text, re.MULTILINE)
    assert (DEPLOY / context / file).is_file()


def test_no_container_may_change_more_than_its_own_data() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    for name, service in compose["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        own = [mount for mount in service["volumes"] if not mount.endswith(":ro")]
        assert [mount.partition(":")[0] for mount in own] == [name], "the volume of its data"
    assert list(compose["volumes"]) == list(compose["services"])


def test_compose_puts_files_where_prometheus_and_grafana_look() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert (DEPLOY / "prometheus" / "prometheus.yml").is_file()
    provider = (DEPLOY / "grafana/provisioning/dashboards/darban.yml").read_text(encoding="utf-8")
    [place] = re.findall(r"^ +path: (\S+)$", provider, re.MULTILINE)
    assert f"./grafana/dashboards:{place}:ro" in text
    source = (DEPLOY / "grafana/provisioning/datasources/darban.yml").read_text(encoding="utf-8")
    [variable] = re.findall(r"url: \$(\w+)", source)
    assert f"{variable}: http://127.0.0.1:9090" in text
