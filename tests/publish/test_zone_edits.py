"""Zones after any edits, one after another, are those of a writer that starts from nothing.

An edit is of the config, of a list, or of what is in force at a moment.
"""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from resolver.publish import writer
from resolver.snapshot.snapshot import Snapshot
from tests.policy.networks import snapshot_of

EDITS = 60
MOMENTS = (1.8e9, 1_800_072_000.0, 2e9)
"""Before the end of the exemptions, within the hours, and after the end."""
SERVICES = ("four", "one", "three", "two")
POLICIES = ("first", "second", "third")
NAMES = ("a.example", "b.example", "x.a.example", "y.x.a.example", "here.b.example", "c.test")
TOP = """
[publish]
listen = ["127.0.0.1:8053"]
[hours.office]
days = ["sat", "sun", "mon", "tue", "wed"]
from = "07:30"
to = "14:30"
"""
EXEMPTION = """
until = 2027-03-20T23:59:59+03:30
approver = "CIO"
ticket = "IT-1"
"""


class PolicyText:
    """A policy that somebody edits, one key after the other."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.keys = dict.fromkeys(SERVICES, "block")
        """The key that names a service."""
        self.answer, self.mode, self.default, self.hours = "sinkhole", "enforce", "pass", "hours"
        self.own = {"allow": ["a.example"], "deny": ["c.test"]}

    def edit(self) -> None:
        rng = self.rng
        match rng.randrange(8):
            case 0 | 1:
                self.keys[rng.choice(SERVICES)] = rng.choice(["", "block", "count", "during"])
            case 2:
                self.answer = rng.choice(["sinkhole", "nxdomain", "nodata"])
            case 3:
                self.mode = rng.choice(["enforce", "enforce", "audit"])
            case 4:
                self.default = rng.choice(["pass", "pass", "block", "count"])
            case 5:
                self.hours = rng.choice(["hours", "outside"])
            case _:
                key, names = rng.choice([("allow", NAMES[::2]), ("deny", NAMES[1::2])])
                form = rng.choice(["{}", "|{}^"])
                self.own[key] = [form.format(name) for name in rng.sample(names, rng.randrange(3))]

    def text(self) -> str:
        block, count, during = (
            [service for service in SERVICES if self.keys[service] == key]
            for key in ("block", "count", "during")
        )
        text = f'answer = "{self.answer}"\nmode = "{self.mode}"\ndeny = {self.own["deny"]}\n'
        if self.default != "pass":
            allow = self.own["allow"] + count + during
            return f'{text}default = "{self.default}"\nblock = {block}\nallow = {allow}\n'
        if during:
            text += f'during = [{{ {self.hours} = "office", block = {during} }}]\n'
        return f"{text}block = {block}\ncount = {count}\nallow = {self.own['allow']}\n"


class Site:
    """A config and lists that somebody edits."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.policies = {name: PolicyText(self.rng) for name in POLICIES}
        self.vlans = {f"v{number}": POLICIES[number % 3] for number in range(4)}
        self.lists = {service: [f"||{service}.example^"] for service in SERVICES}
        self.canaries = SERVICES[0]
        self.ranges = "203.1.112.0/22\n"
        self.local = self.forward = self.exemption = self.by_prefix = ""
        self.wall = MOMENTS[0]

    def some(self, of: tuple[str, ...]) -> list[str]:
        return sorted(self.rng.sample(of, self.rng.randrange(len(of))))

    def rule(self) -> str:
        return f"{self.rng.choice(['||', '||', '|', '@@||', '@@|'])}{self.rng.choice(NAMES)}^"

    def edit_policy(self) -> None:
        self.policies[self.rng.choice(POLICIES)].edit()

    def edit_vlan(self) -> None:
        self.vlans[self.rng.choice([*self.vlans])] = self.rng.choice(POLICIES)

    def add_rule(self) -> None:
        rules, added = self.lists[self.rng.choice(SERVICES)], self.rule()
        if added not in rules:
            rules.append(added)

    def remove_rule(self) -> None:
        rules = self.lists[self.rng.choice(SERVICES)]
        if len(rules) > 1:
            rules.pop(self.rng.randrange(1, len(rules)))

    def edit_canaries(self) -> None:
        self.canaries = self.rng.choice(SERVICES)

    def edit_ranges(self) -> None:
        self.ranges = f"203.1.{self.rng.randrange(112, 120)}.0/24\n"

    def edit_local(self) -> None:
        found = self.some(NAMES)[:2]
        tables = (f'[[local]]\nname = "{name}"\nrecords = ["A 10.0.0.3"]\n' for name in found)
        self.local = "".join(tables)

    def edit_forward(self) -> None:
        found = self.some(NAMES)[:2]
        self.forward = f'[[forward]]\nzones = {found}\nservers = ["10.0.0.1"]\n' if found else ""

    def edit_exemption(self) -> None:
        services = self.some(SERVICES)
        hours = self.rng.choice(["", 'hours = "office"\n'])
        vlan = f'[[exemptions]]\nid = "it"\nvlan = "v0"\nservices = {services}\n{hours}'
        self.exemption = vlan + EXEMPTION if services else ""

    def edit_exempted_prefix(self) -> None:
        services = self.some((*SERVICES, "@messenger"))
        prefix = f'[[exemptions]]\nid = "pr"\nprefixes = ["10.0.1.0/24"]\nservices = {services}\n'
        self.by_prefix = prefix + EXEMPTION if services else ""

    def edit_moment(self) -> None:
        self.wall = self.rng.choice(MOMENTS)

    def edit(self) -> None:
        edits: tuple[Callable[[], None], ...] = (
            *(self.edit_policy, self.edit_vlan, self.edit_moment, self.edit_local),
            *(self.edit_forward, self.edit_ranges, self.edit_exemption, self.edit_exempted_prefix),
            *(self.add_rule, self.add_rule, self.remove_rule, self.edit_canaries),
            *(self.edit_policy, self.edit_policy),
        )
        self.rng.choice(edits)()

    def snapshot(self) -> Snapshot:
        text = TOP
        for name, policy in self.policies.items():
            text += f"[policies.{name}]\n{policy.text()}"
        for number, (vlan, of) in enumerate(self.vlans.items()):
            prefixes = f'["10.{number}.0.0/16"]'
            text += f'[vlans.{vlan}]\nprefixes = {prefixes}\npolicy = "{of}"\n'
        text += self.exemption + self.by_prefix + self.local + self.forward
        head = "! Category: messenger\n"
        lists = {service: head + "\n".join(rules) + "\n" for service, rules in self.lists.items()}
        lists[self.canaries] = "! Answer: nxdomain\n" + lists[self.canaries]
        return snapshot_of(text, lists | {"one.ip": self.ranges})


def zones(directory: Path) -> dict[str, list[str]]:
    """The files of zones, but for their serials and checksums."""
    return {
        file.name: [line for line in file.read_text().splitlines()[:-1] if " SOA " not in line]
        for file in directory.glob("*.zone")
    }


@pytest.mark.parametrize("seed", [4, 41])
def test_zones_are_those_of_a_writer_that_starts_from_nothing(tmp_path: Path, seed: int) -> None:
    site, kept, anew = Site(seed), tmp_path / "kept", tmp_path / "anew"
    counts = []
    for _ in range(EDITS):
        site.edit()
        of = site.snapshot()
        before, serials = zones(kept), _serials(kept)
        made = writer.write(of.compiled, of.index(), kept, site.wall).made
        shutil.rmtree(anew, ignore_errors=True)
        writer.write(of.compiled, of.index(), anew, site.wall)
        after = zones(kept)
        assert after == zones(anew)
        changed = {file for file, text in after.items() if before.get(file) != text}
        assert changed <= {writer.zone_file(zone) for zone in made}
        now = _serials(kept)
        assert changed == {writer.zone_file(zone) for zone in now if now[zone] != serials.get(zone)}
        counts.append((len(made), len(changed)))
    assert sum(made for made, _ in counts) < 7 * EDITS / 2, "of 7 zones, few are made"
    assert sum(changed for _, changed in counts) > EDITS / 4


def _serials(directory: Path) -> dict[str, int]:
    try:
        lines = (directory / writer.SERIALS).read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {zone: int(serial) for zone, serial in map(str.split, lines)}
