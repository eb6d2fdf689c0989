"""Configs of random lists and policies, and the expectations for every name that they fail."""

import itertools
import json
import random

from resolver.analysis.coverage_expectations import coverage_failures
from resolver.analysis.name_changes import without_exemptions
from resolver.analysis.name_classes import NameClasses
from resolver.dns import names
from tests.compiler.texts import compile_texts
from tests.config.files_in_memory import load_text
from tests.config.tables import vlan

WALL = 1.8e9
LISTS = {
    "chat": "! Category: messenger\n||chat.example^\n||files.chat.example^\n|only.example^\n"
    "|chat.a-cdn.example^\n",
    "talk": "! Category: messenger\n||talk.example^\n@@||status.talk.example^\n",
    "cdn": "! Category: updates\n||cdn.chat.example^\n",
    "radio.zone": "@ SOA a b 1 2 3 4 5\n*.radio.example CNAME .\nradio.example CNAME .\n"
    "x.radio.example CNAME rpz-passthru.\ny.x.radio.example CNAME .\n",
}
HOURS = '[hours.office]\ndays = ["sat"]\nfrom = "08:00"\nto = "16:00"\n'
EXPECT = '[[expect]]\nvlan = "office"\nservices = ["@messenger"]\noutcome = "blocked"\n'


def config(policy: str = 'block = ["@messenger"]', more: str = "") -> str:
    tables = vlan("office", "strict", "10.10.0.0/16") + vlan("open", "none", "10.20.0.0/16")
    return f"[policies.strict]\n{policy}\n[policies.none]\n{tables}{more}{EXPECT}"


def failures(text: str, lists: dict[str, str] = LISTS) -> list[str]:
    snapshot = compile_texts(text, lists)
    classes = NameClasses(without_exemptions(snapshot.compiled), snapshot.index())
    found = coverage_failures(load_text(text), classes, WALL)
    return [str(expectation) for expectation in found]


LABELS = [b"\1a", b"\1b", b"\4chat"]
ALL_NAMES = [
    b"".join(labels) + b"\0"
    for depth in range(1, 5)
    for labels in itertools.product(LABELS, repeat=depth)
]


def random_list(source: random.Random) -> str:
    picked = source.sample(ALL_NAMES[3:40], source.randint(1, 4))
    kinds = ["||{}^", "|{}^", "@@||{}^", "@@|{}^"]
    rules = [source.choice(kinds).format(names.text(octets)) for octets in picked]
    return "\n".join(["! Category: messenger", *rules, "||far.example^", ""])


def random_policy(source: random.Random) -> str:
    picked = source.sample(ALL_NAMES[3:60], source.randint(0, 5))
    allow = [source.choice(["{}", "|{}^"]).format(names.text(octets)) for octets in picked]
    block = source.choice([["@messenger"], ["one"], ["two"]])
    default = source.choice(["pass", "pass", "block", "count"])
    return f'block = {json.dumps(block)}\nallow = {json.dumps(allow)}\ndefault = "{default}"'


def random_data(source: random.Random) -> str:
    """A local record, a wildcard or a forwarded zone, or none."""
    name = names.text(source.choice(ALL_NAMES[3:60]))
    record = f'[[local]]\nname = "{source.choice(["", "*."])}{name}"\nrecords = ["A 10.0.0.9"]\n'
    forward = f'[[forward]]\nzones = ["{name}"]\nservers = ["10.0.0.10"]\n'
    return source.choice(["", record, forward])
