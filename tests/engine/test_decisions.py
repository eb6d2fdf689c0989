"""A worker's decisions on the expectations, and which of them are wrong."""

import pytest

from resolver.engine.cache import AnswerCache
from resolver.engine.decisions import Decision, decisions
from resolver.engine.engine import Engine
from resolver.engine.loaded_snapshot import LoadedSnapshot
from resolver.policy.compiled import CompiledConfig
from resolver.policy.index import Index
from resolver.supervisor.wrong_decisions import wrong_decisions
from tests.compiler.texts import compile_texts

BEGINS = 1_795_579_200.0
"""07:30 in Tehran, on Wednesday, 25 November 2026: when the office opens."""
LISTS = {
    "telegram": "! Title: Telegram\n! Category: messenger\n||t.me^\n||telegram.org^\n",
    "whatsapp": "! Title: WhatsApp\n! Category: messenger\n||whatsapp.net^\n",
}
CONFIG = """
[upstream]
servers = ["192.0.2.1"]
[hours.office]
days = ["sat", "sun", "mon", "tue", "wed"]
from = "07:30"
to = "14:30"
time_zone = "Asia/Tehran"
[policies.administrative]
deny = ["chat.example"]
block = ["telegram"]
[policies.office]
during = [{ hours = "office", block = ["telegram"] }]
[policies.open]
[vlans.administration]
prefixes = ["10.10.0.0/16"]
policy = "administrative"
[vlans.desks]
prefixes = ["10.20.0.0/16"]
policy = "office"
[vlans.publicity]
prefixes = ["10.30.0.0/16"]
policy = "open"
[[local]]
name = "talk.agency.example"
records = ["CNAME chat.example"]
[[exemptions]]
id = "pr-1"
prefixes = ["10.10.3.7/32"]
services = ["telegram"]
until = 2027-03-20T23:59:59+03:30
approver = "Head of PR"
ticket = "PR-1"
[[expect]]
client = "10.10.0.5"
name = "web.telegram.org"
outcome = "blocked"
service = "telegram"
[[expect]]
client = "10.10.3.7"
name = "t.me"
outcome = "blocked"
[[expect]]
client = "10.20.0.5"
name = "t.me"
outcome = "blocked"
hours = "office"
[[expect]]
client = "10.30.0.5"
name = "t.me"
outcome = "passed"
[[expect]]
client = "10.99.0.5"
name = "t.me"
outcome = "refused"
[[expect]]
client = "10.10.0.5"
name = "talk.agency.example"
outcome = "blocked"
[[expect]]
client = "10.10.3.7"
name = "t.me"
outcome = "exempted"
[[expect]]
client = "10.20.0.5"
name = "t.me"
outcome = "passed"
at = 2026-11-27T09:00:00+03:30
"""


def decided(
    config: str, wall: float, lists: dict[str, str] = LISTS
) -> tuple[CompiledConfig, list[Decision | None]]:
    snapshot = compile_texts(config, lists)
    loaded = LoadedSnapshot(snapshot.compiled, Index(snapshot.trie, snapshot.rules), wall)
    engine = Engine(loaded, AnswerCache(0))
    engine.advance(wall, 0.0)
    return snapshot.compiled, list(decisions(engine))


def test_decisions_are_those_of_the_engine_now() -> None:
    compiled, made = decided(CONFIG, BEGINS)
    assert made == [
        ("blocked", "telegram"),
        ("exempted", "telegram"),
        ("blocked", "telegram"),
        ("passed", ""),
        ("refused", ""),
        None,  # its target is decided with the answer
    ]
    assert not list(wrong_decisions(compiled, BEGINS, made))


def test_an_expectation_for_hours_is_left_out_while_they_do_not_hold() -> None:
    compiled, made = decided(CONFIG, BEGINS - 1)
    assert made[2] == ("passed", "telegram")
    assert not list(wrong_decisions(compiled, BEGINS - 1, made))
    assert len(list(wrong_decisions(compiled, BEGINS, made))) == 1


@pytest.mark.parametrize(
    ("index", "decision", "text"),
    [
        (0, ("passed", ""), "expected blocked as telegram, got passed"),
        (0, ("blocked", "whatsapp"), "expected blocked as telegram, got blocked as whatsapp"),
        (3, ("blocked", "telegram"), "expected passed, got blocked as telegram"),
        (3, ("exempted", "telegram"), "expected passed, got exempted as telegram"),
    ],
)
def test_a_wrong_decision_is_named(index: int, decision: Decision, text: str) -> None:
    compiled, made = decided(CONFIG, BEGINS)
    made[index] = decision
    [wrong] = wrong_decisions(compiled, BEGINS, made)
    assert wrong.endswith(text)


OTHERS = """
[[exemptions]]
id = "it-1"
vlan = "desks"
services = ["whatsapp"]
until = 2027-03-20T23:59:59+03:30
approver = "CIO"
ticket = "IT-1"
"""


@pytest.mark.parametrize(
    ("index", "decision", "text"),
    [
        # Others are exempted from the service, and this client from another.
        (0, ("exempted", "telegram"), "expected blocked as telegram, got exempted as telegram"),
        (0, ("exempted", ""), "expected blocked as telegram, got exempted"),
        (1, ("exempted", "whatsapp"), "expected blocked, got exempted as whatsapp"),
        (2, ("exempted", "telegram"), "expected blocked, got exempted as telegram"),
        (4, ("exempted", "telegram"), "expected refused, got exempted as telegram"),
        # No service counts the name.
        (2, ("would_block", "telegram"), "expected blocked, got would_block as telegram"),
        # It is exempted, and blocked all the same.
        (1, ("blocked", "telegram"), "expected exempted, got blocked as telegram"),
    ],
)
def test_only_who_is_exempted_from_the_service_is_exempted(
    index: int, decision: Decision, text: str
) -> None:
    compiled, made = decided(CONFIG + OTHERS, BEGINS)
    assert not list(wrong_decisions(compiled, BEGINS, made))
    made[index] = decision
    [wrong] = wrong_decisions(compiled, BEGINS, made)
    assert wrong.endswith(text)


def test_a_name_of_two_services_is_blocked_by_the_one_that_is_not_exempted() -> None:
    """Though the expectation names the other."""
    both = {"whatsapp": LISTS["whatsapp"] + "||t.me^\n"}
    config = CONFIG.replace('block = ["telegram"]', 'block = ["telegram", "whatsapp"]').replace(
        'name = "t.me"\noutcome = "blocked"\n',
        'name = "t.me"\noutcome = "blocked"\nservice = "telegram"\n',
        1,
    )
    compiled, made = decided(config, BEGINS, LISTS | both)
    assert made[1] == ("blocked", "whatsapp")
    assert not list(wrong_decisions(compiled, BEGINS, made))


def test_a_name_of_two_services_is_counted_where_the_blocked_one_is_exempted() -> None:
    both = {"whatsapp": LISTS["whatsapp"] + "||t.me^\n"}
    counting = 'block = ["telegram"]\ncount = ["whatsapp"]'
    config = CONFIG.replace('block = ["telegram"]', counting, 1)
    compiled, made = decided(config, BEGINS, LISTS | both)
    assert made[1] == ("would_block", "whatsapp")
    assert not list(wrong_decisions(compiled, BEGINS, made))
    made[0] = ("would_block", "whatsapp")  # of a client without an exemption
    [wrong] = wrong_decisions(compiled, BEGINS, made)
    assert wrong.endswith("expected blocked as telegram, got would_block as whatsapp")


def test_nothing_is_exempted_where_no_exemption_is_in_force() -> None:
    after = 1.9e9  # the exemption has ended
    compiled, made = decided(CONFIG, after)
    assert made[1] == ("blocked", "telegram")
    made[1] = ("exempted", "telegram")
    assert [
        decision.partition(" from ")[0] for decision in wrong_decisions(compiled, after, made)
    ] == ["t.me A"]


def test_a_worker_with_other_expectations_is_wrong() -> None:
    compiled, made = decided(CONFIG, BEGINS)
    [wrong] = wrong_decisions(compiled, BEGINS, made[1:])
    assert wrong == "5 expectations are known, of 6"
