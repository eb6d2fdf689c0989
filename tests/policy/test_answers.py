"""The answers to blocked queries, in each answer mode."""

from typing import get_args, get_type_hints

import pytest

from resolver.config.policy_model import PolicyConfig
from resolver.dns import codes
from resolver.policy.answers import MODES, BlockedAnswers
from resolver.policy.clauses import Action, Services
from resolver.policy.verdict import BLOCKED, REBINDING, Verdict

V4, V6 = bytes((192, 0, 2, 1)), bytes(15) + b"\x01"
CANARY, OTHER = 1, 0
TYPES = (codes.A, codes.AAAA, codes.HTTPS)
NODATA = (codes.NOERROR, b"")
NXDOMAIN = (codes.NXDOMAIN, b"")


def answers(mode: str) -> BlockedAnswers:
    return MODES[mode]({codes.A: V4, codes.AAAA: V6}, 1 << CANARY)


def verdict(service: int = OTHER, *, all_below: bool = True) -> Verdict:
    return Verdict(BLOCKED, Services(1 << service, Action.BLOCK), service, all_below=all_below)


def test_the_config_may_say_each_mode_and_no_other() -> None:
    assert list(get_args(get_type_hints(PolicyConfig)["answer"])) == list(MODES)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("sinkhole", [(codes.NOERROR, V4), (codes.NOERROR, V6), NODATA]),
        ("nxdomain", [NXDOMAIN] * 3),
        ("nodata", [NODATA] * 3),
        ("refused", [(codes.REFUSED, b"")] * 3),
    ],
)
def test_a_mode_answers_each_type(mode: str, expected: list[tuple[int, bytes]]) -> None:
    assert [answers(mode).to_query(qtype, verdict()) for qtype in TYPES] == expected


@pytest.mark.parametrize("mode", MODES)
def test_a_canary_domain_does_not_exist_whatever_the_mode(mode: str) -> None:
    assert answers(mode).to_query(codes.A, verdict(CANARY)) == NXDOMAIN


@pytest.mark.parametrize("mode", MODES)
def test_a_name_exists_if_one_below_it_passes(mode: str) -> None:
    for service in (CANARY, OTHER):
        rcode, _ = answers(mode).to_query(codes.A, verdict(service, all_below=False))
        assert rcode != codes.NXDOMAIN


@pytest.mark.parametrize("mode", MODES)
def test_a_withheld_answer_is_nodata_whatever_the_mode(mode: str) -> None:
    assert answers(mode).to_query(codes.A, Verdict(REBINDING, address=V4)) == NODATA
