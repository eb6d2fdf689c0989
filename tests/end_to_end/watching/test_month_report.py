"""``darban report --month`` of figures on disk, without a server: one node, and two."""

import base64
import csv
import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.audit.figures.counts import Figures, HourCount, Minute, SelfTestResult
from resolver.audit.figures.export_file import write_export
from resolver.audit.figures.store import FigureStore
from tests.audit.figures import synthetic
from tests.live.commands import GOOD, WRONG, darban
from tests.live.programs import lacking, needed

CONFIG = """
[policies.administrative]
block = ["service-00"]
[vlans.vlan-00]
title = "شبکهٔ ستاد"
prefixes = ["10.10.0.0/16"]
policy = "administrative"
[lists]
directories = ["lists"]
"""
VLANS, SERVICES, DAYS = synthetic.VLANS[:2], synthetic.SERVICES[:3], 3
ASKED = ("report", "--from", "1405-08-01", "--to", "1405-08-03")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The config folders of two nodes, with the figures of three days."""
    made = []
    for number, name in enumerate(synthetic.NODES):
        folder = tmp_path_factory.mktemp(f"node-{number}")
        (folder / "lists").mkdir()
        text = "! Title: Zero\n! Category: messenger\n||zero.example^\n"
        (folder / "lists" / "service-00.txt").write_text(text, encoding="utf-8")
        (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
        figures = FigureStore(folder / ".darban" / "figures", name)
        for hour in synthetic.month(number, days=DAYS, vlans=VLANS, services=SERVICES):
            figures.add(hour, "Asia/Tehran")
        made.append(folder)
    return made


def blocked_by(number: int) -> int:
    hours = synthetic.month(number, days=DAYS, vlans=VLANS, services=SERVICES)
    return sum(
        queries
        for hour in hours
        for labels, queries in hour.counts.items()
        if labels.outcome == "blocked"
    )


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def blocked(text: str) -> int:
    return sum(int(row["queries"]) for row in rows(text) if row["outcome"] == "blocked")


def test_the_counts_of_two_nodes_are_added(nodes: list[Path], tmp_path: Path) -> None:
    one, two = nodes
    alone = darban(*ASKED, "--csv", at=one)
    assert alone.code == GOOD, alone.err
    assert blocked(alone.out) == blocked_by(0)
    assert rows(alone.out)[0]["from"] == "2026-10-23"

    file = tmp_path / "ns2.figures"
    exported = darban(*ASKED, "--export", str(file), at=two)
    assert (exported.code, exported.out) == (GOOD, ""), exported.err
    merged = darban(*ASKED, "--merge", str(file), "--csv", at=one)
    assert merged.code == GOOD, merged.err
    assert blocked(merged.out) == blocked_by(0) + blocked_by(1)
    as_json = darban(*ASKED, "--merge", str(file), "--json", at=one).json
    assert [node["node"] for node in as_json["nodes"]] == list(synthetic.NODES)
    assert len(as_json["counts"]) == len(rows(merged.out))

    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    shutil.copytree(one / "lists", tmp_path / "lists")
    no_node = darban(*ASKED, "--merge", str(file), "--csv", at=tmp_path)
    assert blocked(no_node.out) == blocked_by(1), no_node.err

    twice = darban(*ASKED, "--merge", str(file), "--csv", at=two)
    assert (twice.code, twice.out) == (WRONG, "")
    assert f"'{synthetic.NODES[1]}' are given twice" in twice.err


def test_the_exports_of_a_hundred_sites_are_added_from_a_directory(
    nodes: list[Path], tmp_path: Path
) -> None:
    served = tuple(
        Minute(at, synthetic.POLICY, serving=True, tested=SelfTestResult.HELD)
        for at in range(synthetic.ABAN, synthetic.ABAN + synthetic.DAY, synthetic.MINUTE)
    )
    for site in range(100):
        counts = tuple(
            HourCount(synthetic.ABAN, "vlan-00", "", outcome, queries)
            for outcome, queries in (("blocked", site), ("passed", 1000))
        )
        name = f"ns1.site-{site:02}.example"
        write_export(tmp_path / name, Figures(name, "Asia/Tehran", counts, served, ()))
    (tmp_path / ".ns1.site-07.example.x7Fq").write_bytes(b"a copy that is under way")
    asked = (*ASKED, "--merge", str(tmp_path), "--csv")
    done = darban(*asked, at=nodes[0])
    assert done.code == GOOD, done.err
    assert blocked(done.out) == blocked_by(0) + sum(range(100))
    by_node = rows(darban(*asked, "--by-node", at=nodes[0]).out)
    assert len(by_node) == 101
    last = {"node": "ns1.site-99.example", "queries": "1099", "blocked": "99", "before": "0"}
    minutes = {"minutes_served": "1440", "minutes": str(DAYS * 1440)}
    assert by_node[-1] == by_node[0] | last | minutes

    (tmp_path / "ns1.site-08.example").write_bytes(b"damaged")
    (tmp_path / "notes.txt").write_text("notes", encoding="utf-8")
    wrong = darban(*asked, at=nodes[0])
    assert (wrong.code, wrong.out) == (WRONG, "")
    assert "ns1.site-08.example" in wrong.err
    assert "notes.txt" in wrong.err


def test_names_of_another_node_are_no_formulas_and_no_html(
    nodes: list[Path], tmp_path: Path
) -> None:
    file = tmp_path / "other.figures"
    names = ("=1+1", "@a", "\n=2+2", "\x1b]0;x\x07", "<script>alert(1)</script>")
    counts = tuple(HourCount(synthetic.ABAN, name, "-x", "blocked", 1) for name in names)
    write_export(file, Figures("<b>other", "Asia/Tehran", counts, (), ()))
    printed = darban(*ASKED, "--merge", str(file), "--csv", at=nodes[0]).out
    assert not {"\x1b", "\x07"} & set(printed)
    made = rows(printed)
    found = {(row["vlan"], row["service"]) for row in made if not row["vlan"].startswith("vlan-")}
    shown = ("'=1+1", "'@a", "' =2+2", r"\u001b]0;x\u0007", names[-1])
    assert found == {(text, "'-x") for text in shown}
    page = darban(*ASKED, "--merge", str(file), at=nodes[0]).out
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<b>other" not in page


def test_the_page_is_in_both_languages(nodes: list[Path]) -> None:
    persian = darban("report", "--month", "1405-08", at=nodes[0])
    assert persian.code == GOOD, persian.err
    assert "گزارش آبان ۱۴۰۵" in persian.out
    assert "شبکهٔ ستاد" in persian.out
    english = darban("report", "--month", "2026-11", "--language", "en", at=nodes[0])
    assert "report of November 2026" in english.out
    assert "There are no figures of this period." in english.out


def test_a_summary_is_a_part_of_the_page_and_the_full_page_more(nodes: list[Path]) -> None:
    made = [darban(*ASKED, *more, at=nodes[0]).out for more in (("--summary",), (), ("--full",))]
    assert all("برقرار و آزمایش‌شده" in text for text in made)
    assert len(made[0]) < len(made[1]) < len(made[2])


def test_the_other_node_of_the_pair_is_missed_until_it_is_merged(
    nodes: list[Path], tmp_path: Path
) -> None:
    one, two = nodes
    shutil.copytree(one, tmp_path, dirs_exist_ok=True)
    pair = f'{CONFIG}[pair]\nnodes = ["noc@{synthetic.NODES[1]}.agency.example"]\n'
    (tmp_path / "config.toml").write_text(pair, encoding="utf-8")
    file = tmp_path / "two.figures"
    assert darban(*ASKED, "--export", str(file), at=two).code == GOOD
    alone = darban(*ASKED, "--json", at=tmp_path).json
    both = darban(*ASKED, "--json", "--merge", str(file), at=tmp_path).json
    assert alone["missing_nodes"] == [f"noc@{synthetic.NODES[1]}.agency.example"]
    assert both["missing_nodes"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        *(("--month", "1405-08", "--summary", "--full"), ("--summary",)),
        *(("--month", "1405-08", "--full", "--csv"), ("--month", "1405-08", "--full", "--json")),
        *(("--month", "1405-13"), ("--from", "1405-08-01"), ("--month", "1405-08", "--to", "x")),
        *(("--csv",), ("--export", "x"), ("--month", "1405-08", "--merge", "missing")),
        *(("--month", "1405-08", "--merge", "empty"), ("--month", "1405-08", "--by-node")),
    ],
)
def test_what_is_no_period_or_no_file_is_said(nodes: list[Path], wrong: tuple[str, ...]) -> None:
    (nodes[0] / "empty").mkdir(exist_ok=True)
    done = darban("report", *wrong, at=nodes[0])
    assert (done.code, done.out) == (WRONG, "")
    assert done.err


@pytest.fixture
def agency(nodes: list[Path], tmp_path: Path) -> Callable[[str], Path]:
    """Makes a config folder with figures and these keys of [report]."""

    def folder(keys: str) -> Path:
        shutil.copytree(nodes[0], tmp_path, dirs_exist_ok=True)
        (tmp_path / "config.toml").write_text(f"{CONFIG}[report]\n{keys}\n", encoding="utf-8")
        return tmp_path

    return folder


def test_name_and_logo_are_at_the_head(agency: Callable[[str], Path]) -> None:
    folder = agency('name = "سازمان نمونه"\nlogo = "logo.svg"')
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    (folder / "logo.svg").write_bytes(svg)
    done = darban("report", "--month", "1405-08", at=folder)
    assert done.code == GOOD, done.err
    assert "<bdi>سازمان نمونه</bdi>" in done.out
    data = base64.b64encode(svg).decode()
    assert f'<img class="logo" src="data:image/svg+xml;base64,{data}" alt="">' in done.out
    assert "<script" not in done.out


def test_what_a_csv_lacks_is_said_beside_it(agency: Callable[[str], Path]) -> None:
    folder = agency("")
    (folder / ".darban" / "figures" / "2026-10.sqlite").write_bytes(b"damaged")
    done = darban(*ASKED, "--csv", at=folder)
    assert (done.code, len(rows(done.out))) == (GOOD, 0)
    assert "some figures could not be read: 2026-10.sqlite" in done.err


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"GIF89a", "neither an SVG nor a PNG file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(256 << 10), "more than 256 KiB"),
    ],
)
def test_a_logo_that_cannot_be_used_is_said(
    agency: Callable[[str], Path], content: bytes | None, why: str
) -> None:
    folder = agency('logo = "logo"')
    if content is not None:
        (folder / "logo").write_bytes(content)
    done = darban("report", "--month", "1405-08", at=folder)
    assert (done.code, done.out) == (WRONG, "")
    assert why in done.err


def test_a_report_is_signed_and_ssh_keygen_verifies_it(agency: Callable[[str], Path]) -> None:
    program = needed("ssh-keygen")
    folder = agency('sign_key = "key"')
    make = (program, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / "key")
    subprocess.run(make, check=True)
    public = (folder / "key.pub").read_text(encoding="utf-8")
    signers = folder / "signers"
    signers.write_text(f'reports namespaces="darban-report" {public}', encoding="utf-8")
    report = folder / "report.html"
    for language in ("fa", "en"):  # a second one takes the place of the first
        asked = ("report", "--month", "1405-08", "--language", language)
        done = darban(*asked, "--output", str(report), at=folder)
        assert (done.code, done.out) == (GOOD, ""), done.err
    verify: list[str | Path] = [
        program,
        "-Y",
        "verify",
        "-f",
        signers,
        "-I",
        "reports",
        "-n",
        "darban-report",
    ]
    verify += ["-s", folder / "report.html.sig"]
    page = report.read_bytes()
    assert b'<html lang="en"' in page
    good = subprocess.run(verify, input=page, capture_output=True, check=False)
    assert good.returncode == 0, good.stderr
    bad = subprocess.run(verify, input=page + b" ", capture_output=True, check=False)
    assert bad.returncode != 0


def _make_pipe(key: Path) -> None:
    key.unlink()
    os.mkfifo(key)


def _make_link(key: Path) -> None:
    key.unlink()
    key.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda key: os.chown(key, 54321, -1), "found a file of the user 54321"),
        (lambda key: key.chmod(0o620), "found a file that others may write"),
        (_make_pipe, "found no regular file"),
        (_make_link, "found no regular file"),
    ],
)
def test_root_signs_with_a_regular_file_of_root_alone(
    agency: Callable[[str], Path], harm: Callable[[Path], object], why: str
) -> None:
    """The group writes the config, which says where the key is."""
    program = needed("ssh-keygen")
    if os.geteuid() != 0:
        lacking("needs root: it gives the key to another user")
    folder = agency('sign_key = "key"')
    make = (program, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / "key")
    subprocess.run(make, check=True)
    harm(folder / "key")
    report = folder / "report.csv"
    done = darban("report", "--month", "1405-08", "--csv", "--output", str(report), at=folder)
    assert done.code == WRONG
    assert f"key: the report cannot be signed: {why}; expected" in done.err
    assert not report.exists()


def test_what_cannot_be_signed_is_not_written(agency: Callable[[str], Path]) -> None:
    needed("ssh-keygen")
    folder = agency('sign_key = "missing"')
    report = folder / "report.csv"
    done = darban("report", "--month", "1405-08", "--csv", "--output", str(report), at=folder)
    assert done.code == WRONG
    assert "cannot be signed" in done.err
    assert not report.exists()
